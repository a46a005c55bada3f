//! Lists of HTTP statuses as designers write them: `404`, `4xx,503`, `200-299`.

/// A set of statuses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusList {
    ranges: Vec<(u16, u16)>,
}

impl StatusList {
    /// Reads a comma separated list of `404`, `4xx` or `400-404`.
    ///
    /// # Errors
    /// A sentence for people that quotes the part it cannot read.
    pub fn parse(text: &str) -> Result<Self, String> {
        let ranges = text.split(',').map(|part| range(part.trim())).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { ranges })
    }

    /// Whether `status` is in the list.
    pub fn contains(&self, status: u16) -> bool {
        self.ranges.iter().any(|(low, high)| (*low..=*high).contains(&status))
    }
}

fn range(part: &str) -> Result<(u16, u16), String> {
    let lower = part.to_ascii_lowercase();
    let read = if let Some(class) = lower.strip_suffix("xx") {
        class.parse().ok().filter(|c| (1..=9).contains(c)).map(|c: u16| (c * 100, c * 100 + 99))
    } else if let Some((low, high)) = lower.split_once('-') {
        low.trim().parse().ok().zip(high.trim().parse().ok())
    } else {
        lower.parse().ok().map(|status| (status, status))
    };
    read.filter(|(low, high)| *low >= 100 && low <= high && *high <= 999)
        .ok_or_else(|| format!("`{part}` is not a status; write 404, 4xx or 400-404, separated by commas"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_hold_what_they_say() {
        let list = StatusList::parse("408, 5xx,410-412").unwrap();
        for (status, expected) in [(408, true), (409, false), (500, true), (599, true), (600, false), (411, true)] {
            assert_eq!(list.contains(status), expected, "{status}");
        }
        for text in ["", "x", "5xxx", "404,", "9999", "500-400", "code == 'TIMEOUT'"] {
            assert!(StatusList::parse(text).is_err(), "{text}");
        }
    }
}

//! Code pages of DOS, which the WHATWG's Encoding Standard does not know and old systems still write.

/// A code page: ASCII, and the characters of 128 to 255.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct CodePage {
    pub(super) name: &'static str,
    upper: &'static str,
}

static CP437: CodePage = CodePage {
    name: "IBM437",
    upper: "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒ\
     áíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐\
     └┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀\
     αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{a0}",
};
static CP850: CodePage = CodePage {
    name: "IBM850",
    upper: "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜø£Ø×ƒ\
     áíóúñÑªº¿®¬½¼¡«»░▒▓│┤ÁÂÀ©╣║╗╝¢¥┐\
     └┴┬├─┼ãÃ╚╔╩╦╠═╬¤ðÐÊËÈıÍÎÏ┘┌█▄¦Ì▀\
     ÓßÔÒõÕµþÞÚÛÙýÝ¯´\u{ad}±‗¾¶§÷¸°¨·¹³²■\u{a0}",
};
static CP852: CodePage = CodePage {
    name: "IBM852",
    upper: "ÇüéâäůćçłëŐőîŹÄĆÉĹĺôöĽľŚśÖÜŤťŁ×č\
     áíóúĄąŽžĘę¬źČş«»░▒▓│┤ÁÂĚŞ╣║╗╝Żż┐\
     └┴┬├─┼Ăă╚╔╩╦╠═╬¤đĐĎËďŇÍÎě┘┌█▄ŢŮ▀\
     ÓßÔŃńňŠšŔÚŕŰýÝţ´\u{ad}˝˛ˇ˘§÷¸°¨˙űŘř■\u{a0}",
};
static CP858: CodePage = CodePage {
    name: "IBM00858",
    upper: "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜø£Ø×ƒ\
     áíóúñÑªº¿®¬½¼¡«»░▒▓│┤ÁÂÀ©╣║╗╝¢¥┐\
     └┴┬├─┼ãÃ╚╔╩╦╠═╬¤ðÐÊËÈ€ÍÎÏ┘┌█▄¦Ì▀\
     ÓßÔÒõÕµþÞÚÛÙýÝ¯´\u{ad}±‗¾¶§÷¸°¨·¹³²■\u{a0}",
};

/// The code page of a label in lower case (IANA's registry of character sets).
pub(super) fn named(label: &str) -> Option<&'static CodePage> {
    Some(match label {
        "cp437" | "ibm437" | "437" | "cspc8codepage437" => &CP437,
        "cp850" | "ibm850" | "850" | "cspc850multilingual" => &CP850,
        "cp852" | "ibm852" | "852" | "cspcp852" => &CP852,
        "cp858" | "ibm858" | "ibm00858" | "cp00858" | "pc-multilingual-850+euro" => &CP858,
        _ => return None,
    })
}

impl CodePage {
    pub(super) fn decode(&self, bytes: &[u8]) -> String {
        let upper: Vec<char> = self.upper.chars().collect();
        let of = |byte: &u8| match byte {
            0..=127 => char::from(*byte),
            128.. => upper.get(usize::from(*byte) - 128).copied().unwrap_or(char::REPLACEMENT_CHARACTER),
        };
        bytes.iter().map(of).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_is_whole() {
        for (label, byte, expected) in [
            ("cp437", 0x82, 'é'),
            ("cp437", 0xe0, 'α'),
            ("cp850", 0xd5, 'ı'),
            ("ibm00858", 0xd5, '€'),
            ("cp852", 0x88, 'ł'),
        ] {
            let page = named(label).unwrap();
            assert_eq!(page.upper.chars().count(), 128, "{label}");
            assert_eq!(page.decode(&[b'a', byte]), format!("a{expected}"), "{label}");
        }
        assert_eq!(named("cp1"), None);
    }
}

use serde_json::{Map, Value, json};

use super::*;
use crate::testing::bounds::{TIME, UNOPTIMISED, within};

fn map(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        other => Map::from_iter([("__root".to_owned(), other)]),
    }
}

fn render_with(source: &str, data: Value, escape: Escape) -> Result<String, String> {
    let data = map(data);
    let template = Template::parse(source).map_err(|e| e.to_string())?;
    template.render(&Scope::new(&data), escape).map_err(|e| e.to_string())
}

fn render(source: &str, data: Value) -> String {
    render_with(source, data, Escape::None).unwrap()
}

#[test]
fn names_numbers_and_missing_values() {
    let data = json!({"a": {"b": [{"c": 1.0}, {"c": 2.5}]}, "t": true, "n": null, "s": "x"});
    assert_eq!(render("{{a.b.0.c}}|{{a.b.1.c}}|{{t}}|{{n}}|{{ s }}|{{gone.for.ever}}", data), "1|2.5|true||x|");
}

#[test]
fn later_layers_win_and_sections_see_outwards() {
    let (data, rows) = (map(json!({"x": 1, "y": 2, "list": [{"x": 9}, {}]})), map(json!({"y": "row"})));
    let scope = Scope::new(&data).over(&rows);
    let template = Template::parse("{{y}} {{#list}}{{x}}{{y}};{{/list}}").unwrap();
    assert_eq!(template.render(&scope, Escape::None).unwrap(), "row 9row;1row;");
}

#[test]
fn escaping_fits_the_slot_and_triple_braces_and_filters_do_not_escape() {
    let data = || json!({"x": "a b/\"<é'&\n", "o": {"k": [1, "\""]}});
    for (escape, expected) in [
        (Escape::Percent, "a%20b%2F%22%3C%C3%A9%27%26%0A"),
        (Escape::Json, "a b/\\\"<é'&\\n"),
        (Escape::Xml, "a b/&quot;&lt;é&apos;&amp;\n"),
        (Escape::Html, "a b/&quot;&lt;é'&amp;\n"),
        (Escape::None, "a b/\"<é'&\n"),
    ] {
        assert_eq!(render_with("{{x}}", data(), escape).unwrap(), expected, "{escape:?}");
        assert_eq!(render_with("{{{x}}}{{&x}}", data(), escape).unwrap(), "a b/\"<é'&\na b/\"<é'&\n");
        assert_eq!(render_with("{{{o | json}}}", data(), escape).unwrap(), r#"{"k":[1,"\""]}"#);
    }
    assert_eq!(
        render("{{{x | json}}} {{gone | json}} {{{s | base64}}}", json!({"x": "é", "s": "hi"})),
        "\"é\" null aGk="
    );
}

#[test]
fn lists_and_objects_are_not_texts() {
    let error = render_with("{{a.b}}", json!({"a": {"b": []}}), Escape::None).unwrap_err();
    assert_eq!(error, "`a.b` is a list; write {{{a.b | json}}} to insert it as JSON");
}

#[test]
fn mistakes_are_shown_where_they_stand() {
    for (source, expected) in [
        ("é{{a", "at character 2: `{{` is never closed; write `}}` where it ends"),
        ("{{#a}}x", "at character 1: the section `a` is never closed; write {{/a}}"),
        ("x{{/a}}", "at character 2: {{/a}} closes a section that was not opened"),
        ("{{#a}}{{#b}}{{/a}}{{/b}}", "at character 13: {{/a}} closes `b`; sections must nest"),
        ("{{}}", "at character 1: the tag names no variable"),
        (
            "{{x | shout}}",
            "at character 1: the filter `shout` is not known; there are: json, xml, serialize, base64, html64, key",
        ),
        ("{{=x=}}", "at character 1: new delimiters are written {{=<% %>=}}"),
    ] {
        assert_eq!(Template::parse(source).unwrap_err().to_string(), expected, "{source}");
    }
    let deep = "{{#a}}".repeat(40);
    assert!(Template::parse(&deep).unwrap_err().to_string().contains("more than 32 deep"));
}

/// COMPATIBILITY 4.6.
#[test]
fn filters_and_helpers() {
    let data =
        || json!({"t": "a<é>", "o": {"k": {"n": [1, 2.0]}, "1x": null}, "l": [{"a": true}, "b&"], "f": 1.5, "e": []});
    for (template, expected) in [
        ("{{{t | xml}}}", "a&lt;é&gt;"),
        ("{{{o | xml}}}", "<k><n>1</n><n>2</n></k><_1x></_1x>"),
        ("{{{l | xml}}}", "<item><a>true</a></item><item>b&amp;</item>"),
        ("{{{o | serialize}}}", "a:2:{s:1:\"k\";a:1:{s:1:\"n\";a:2:{i:0;i:1;i:1;d:2;}}s:2:\"1x\";N;}"),
        ("{{{t | serialize}}}", "s:5:\"a<é>\";"),
        ("{{{t | base64}}}", "YTzDqT4="),
        ("{{{l | base64}}}", "W3siYSI6dHJ1ZX0sImImIl0="),
        ("{{{t | html64}}}", "YSZsdDvDqSZndDs="),
        ("{{o | key}}{{l | key}}{{e | key}}", "k0"),
        ("{{{t | xml | json}}}", "\"a&lt;é&gt;\""),
        ("{{#json}}{{t}}\"{{/json}}", "\"a<é>\\\"\""),
        ("{{#base64}}{{f}}{{#json}}x{{/json}}{{/base64}}", "MS41Ingi"),
        ("{{^json}}none{{/json}}", "none"),
    ] {
        assert_eq!(render(template, data()), expected, "{template}");
    }
    assert_eq!(
        render("{{#json}}{{x}}{{/json}}", json!({"json": {"x": "a variable of that name"}})),
        "a variable of that name"
    );
}

/// Sections inside sections multiply, escapes inside escapes double; each of these ends within its processor time, with a message that says why.
#[test]
fn hostile_templates_end() {
    let nested = |open: &str, inside: &str, close: &str, depth: usize| {
        format!("{}{inside}{}", open.repeat(depth), close.repeat(depth))
    };
    let mut hostile: Vec<String> = vec![
        "{{#l}}{{t}}{{/l}}".into(),
        "{{#json}}{{#l}}{{t}}{{/l}}{{/json}}".into(),
        "{{! }}".repeat(10_000),
        " {{! }} \n".repeat(8_000),
        "{{=<% %>=}}<%={{ }}=%>".repeat(3_000),
        format!("{{{{{}}}}}", "a.".repeat(30_000)),
        format!("{{{{{{quotes{}}}}}}}", " | json".repeat(7_000)),
        "{{t}}".repeat(12_000),
        "{{".repeat(30_000),
        "{{{".repeat(20_000),
        "{{#a}}".repeat(10_000),
        "{{^none}}x{{/none}}".repeat(3_000),
        "}}".repeat(30_000),
        "{{/l}}".repeat(10_000),
        "\u{1F511}".repeat(15_000) + "{{#l",
    ];
    for size in 1..=20 {
        hostile.push("{{! }}".repeat(size * 500) + "{{");
        hostile.push(format!("{{{{{}}}}}", "a.".repeat(size * 1_500)));
        hostile.push("{{#a}}".repeat(size) + &"{{/b}}".repeat(size));
        hostile.push("{{=<% %>=}}<%={{ }}=%>".repeat(size * 100));
    }
    for depth in [1, 2, 3, 4, 5, 6, 8, 10, 11, 13, 20, 32, 33] {
        hostile.push(nested("{{#l}}", "", "{{/l}}", depth));
        hostile.push(nested("{{#l}}", "{{^none}}{{t}}{{/none}}", "{{/l}}", depth));
        hostile.push(nested("{{#json}}", "{{{quotes}}}", "{{/json}}", depth));
        hostile.push(nested("{{#base64}}", "{{{t}}}", "{{/base64}}", depth));
        hostile.push(nested("{{#html64}}", "{{{quotes}}}", "{{/html64}}", depth));
        hostile.push(format!("{{{{{{quotes{}}}}}}}", " | json".repeat(depth)));
        hostile.push(format!("{{{{{{quotes{}}}}}}}", " | html64".repeat(depth)));
        hostile.push(format!("{}{{{{{{deep | xml}}}}}}", "{{{t | base64}}}".repeat(depth)));
        hostile.push(nested("{{{t}}}{{#json}}", "", "{{/json}}", depth));
        hostile.push(nested("{{#l}}{{#json}}", "{{{quotes}}}", "{{/json}}{{/l}}", depth));
    }
    let deep = (0..100).fold(json!("x"), |inner, _| json!({"a": inner, "b": [1]}));
    let data =
        map(json!({"l": vec![1; 1_000], "t": "x".repeat(1 << 20), "quotes": "\"\\".repeat(1 << 10), "deep": deep}));
    assert!(hostile.len() > 200, "{}", hostile.len());
    for source in &hostile {
        let _ended = within(TIME * UNOPTIMISED, source, || {
            Template::parse(source).map(|template| template.render(&Scope::new(&data), Escape::Percent).map(drop))
        });
    }
    for (source, expected) in [
        (nested("{{#l}}", "", "{{/l}}", 5), "takes more than 500000 steps"),
        (nested("{{#l}}", "", "{{/l}}", 32), "takes more than 500000 steps"),
        ("{{{quotes | json | json | json | json | json | json | json | json | json | json | json | json | json | json}}}".into(), "renders to more than 16777216 bytes"),
        (nested("{{{t}}}{{#json}}", "", "{{/json}}", 20), "renders to more than 16777216 bytes"),
        (nested("{{#json}}", "{{{quotes}}}", "{{/json}}", 30), "renders to more than 16777216 bytes"),
        ("{{#l}}{{t}}{{/l}}".to_owned(), "renders to more than 16777216 bytes"),
        ("{{#json}}{{#l}}{{t}}{{/l}}{{/json}}".to_owned(), "renders to more than 16777216 bytes"),
    ] {
        let template = Template::parse(&source).unwrap();
        let problem = template.render(&Scope::new(&data), Escape::None).unwrap_err().to_string();
        assert!(problem.contains(expected), "{problem}");
    }
}

#[test]
fn the_time_of_a_template_grows_with_its_length_and_its_length_is_limited() {
    for tag in ["{{! }}", "{{a}}", "{{#a}}{{/a}}", "{{{a}}}", "\n{{! }}\n", "{{=<% %>=}}<%={{ }}=%>", "é{{a|json}}"] {
        let template = tag.repeat(256 * 1024 / tag.len());
        let begun = std::time::Instant::now();
        Template::parse(&template).unwrap();
        assert!(begun.elapsed().as_millis() < 1_000, "{tag}: {:?}", begun.elapsed());
        let problem = Template::parse(&template.repeat(2)).unwrap_err();
        assert!(problem.to_string().contains("at most 262144"), "{problem}");
    }
    let problem = Template::parse("é{{a}}é{{b").unwrap_err();
    assert!(problem.to_string().starts_with("at character 8:"), "characters, not bytes: {problem}");
}

#[test]
fn a_long_name_is_not_repeated_for_every_item_of_its_list() {
    let data = map(json!({"a": {"n".repeat(100_000): vec![0; 100_000]}}));
    for template in ["{{a|xml}}", "{{a|xml|json}}"] {
        let problem = Template::parse(template).unwrap().render(&Scope::new(&data), Escape::None).unwrap_err();
        assert!(matches!(problem, TemplateError::TooLong { .. }), "{problem}");
    }
}

/// Every case of the public specification that needs no partials or lambdas, where the suites are at hand.
#[test]
fn suite_of_mustache() {
    let Some(folder) = crate::testing::suites::folder("mustache") else { return };
    let mut cases = 0;
    for name in ["interpolation", "sections", "inverted", "comments", "delimiters"] {
        let text = std::fs::read_to_string(folder.join(format!("{name}.json"))).unwrap();
        let suite: Value = serde_json::from_str(&text).unwrap();
        for case in suite["tests"].as_array().unwrap() {
            let (template, expected) = (case["template"].as_str().unwrap(), case["expected"].as_str().unwrap());
            let uses_partials = case.get("partials").is_some();
            let implicit_root = !case["data"].is_object();
            if uses_partials {
                continue;
            }
            let rendered = if implicit_root {
                let parsed = Template::parse(template).unwrap();
                parsed.render(&Scope::of_value(&case["data"]), Escape::Html)
            } else {
                let data = map(case["data"].clone());
                Template::parse(template).unwrap().render(&Scope::new(&data), Escape::Html)
            };
            assert_eq!(rendered.as_deref(), Ok(expected), "{name}: {}", case["name"]);
            cases += 1;
            if name == "interpolation" && !implicit_root {
                let data = map(case["data"].clone());
                let raw = Template::parse(template).unwrap().render(&Scope::new(&data), Escape::None).unwrap();
                let plain =
                    expected.replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
                assert_eq!(raw, plain, "{}, with the slot's own escaping", case["name"]);
            }
        }
    }
    assert!(cases > 100, "{cases} cases");
}

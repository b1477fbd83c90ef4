use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd, html};

const STYLE: &str = include_str!("report.css");

/// `report.html`: the Markdown report with its drawings (file name and SVG) inside, on one page
/// that asks for nothing from outside.
pub fn page(title: &str, report_md: &str, drawings: &[(&str, &str)]) -> String {
    let drawing = |file: &str| drawings.iter().find(|(name, _)| *name == file).map(|(_, svg)| *svg);
    let mut in_figure = false;
    let events =
        Parser::new_ext(report_md, Options::ENABLE_TABLES).filter_map(|event| match event {
            Event::Start(Tag::Image { dest_url, .. }) => {
                in_figure = true;
                let svg = drawing(&dest_url).map(inline).unwrap_or_default();
                Some(Event::Html(format!("<figure>{svg}</figure>").into()))
            }
            Event::End(TagEnd::Image) => {
                in_figure = false;
                None
            }
            _ if in_figure => None,
            other => Some(other),
        });
    let mut body = String::new();
    html::push_html(&mut body, events);
    let mut escaped = String::new();
    html::push_html(&mut escaped, std::iter::once(Event::Text(title.into())));
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>rmrl: {escaped}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n{body}</main>\n</body>\n</html>\n"
    )
}

/// The drawing without its XML prologue, which has no place inside a page.
fn inline(svg: &str) -> &str {
    svg.find("<svg").map_or(svg, |start| &svg[start..])
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPORT: &str =
        "# A <b>name</b>\n\n![curves](curves.svg)\n\n| a | b |\n| --- | --- |\n| 1 | x < y |\n";

    #[test]
    fn the_figure_is_inside_and_nothing_is_fetched() {
        let page = page(
            "narrow",
            REPORT,
            &[("curves.svg", "<?xml version=\"1.0\"?><svg id=\"drawing\"></svg>")],
        );
        assert!(page.contains("<figure><svg id=\"drawing\">"));
        assert!(!page.contains("curves.svg") && !page.contains("<img") && !page.contains("<?xml"));
        for fetched in ["http://", "https://", "<script", "<link", "url("] {
            assert!(!page.contains(fetched), "{fetched}");
        }
    }

    #[test]
    fn tables_are_tables_and_text_is_escaped() {
        let page = page("a<b", REPORT, &[("curves.svg", "<svg></svg>")]);
        assert!(page.contains("<title>rmrl: a&lt;b</title>"));
        assert!(page.contains("<td>x &lt; y</td>"));
    }
}

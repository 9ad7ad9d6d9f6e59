//! Charts as SVG, drawn here and put into the page. They have no colours of their own: each is a mark that the style
//! sheet turns into the theme's, so that they are right in the light and in the dark.

use jiff::civil::Date;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::language::Language;
use crate::show;

/// Marks: `static/admin.css` knows them.
const INK: RGBColor = RGBColor(1, 1, 1);
const GRID: RGBColor = RGBColor(1, 1, 2);
const USED: RGBColor = RGBColor(1, 1, 3);
const AHEAD: RGBColor = RGBColor(1, 1, 4);
const LIMIT: RGBColor = RGBColor(1, 1, 5);
const OTHER: RGBColor = RGBColor(1, 1, 6);

/// As wide as it is on a phone of 360 pixels, but for the card around it.
const WIDE: u32 = 300;
const HIGH: u32 = 200;
/// On a phone about as many pixels.
const TEXT: u32 = 13;

/// What the forecast's chart shows, in bytes.
pub(crate) struct Forecast {
    pub(crate) language: Language,
    /// What is to be seen, in words.
    pub(crate) title: String,
    pub(crate) begins: Date,
    /// The period's last day.
    pub(crate) ends: Date,
    /// The sum at the end of each day until today.
    pub(crate) used: Vec<(Date, u64)>,
    /// At the end: as little as, most likely, as much as.
    pub(crate) total: Option<(u64, u64, u64)>,
    pub(crate) cap: Option<u64>,
}

/// Used so far, the range to come, and the cap. `None`: there is nothing to draw.
pub(crate) fn forecast(given: &Forecast) -> Option<String> {
    let day = |date: Date| given.begins.until(date).map_or(0, |span| span.get_days());
    let last = day(given.ends) + 1;
    let (today, sum) = given.used.last().map(|(date, sum)| (day(*date) + 1, *sum))?;
    let high = given.total.map_or(sum, |(.., high)| high).max(sum);
    let top = giga(given.cap.unwrap_or(0).max(high)).max(0.001) * 1.05;
    let label = |n: &i32| {
        let date = given.begins.checked_add(jiff::Span::new().days(*n)).unwrap_or(given.begins);
        show::day(date, given.language)
    };
    draw(&given.title, |root| {
        let mut chart = ChartBuilder::on(root)
            .margin(8)
            .margin_right(30)
            .x_label_area_size(24)
            .y_label_area_size(58)
            .build_cartesian_2d(0..last.max(1), 0.0..top)?;
        axes(&mut chart, &label, 3, top)?;
        if let Some((low, likely, high)) = given.total.filter(|_| today < last) {
            let ends = [(today, giga(sum)), (last, giga(high)), (last, giga(low))];
            chart.draw_series([Polygon::new(ends.to_vec(), AHEAD.filled())])?;
            let line = [(today, giga(sum)), (last, giga(likely))];
            chart.draw_series(LineSeries::new(line, INK.stroke_width(1)))?;
        }
        let so_far = std::iter::once((0, 0.0))
            .chain(given.used.iter().map(|(date, sum)| (day(*date) + 1, giga(*sum))));
        chart.draw_series(AreaSeries::new(so_far, 0.0, USED).border_style(USED.stroke_width(2)))?;
        if let Some(cap) = given.cap {
            let line = [(0, giga(cap)), (last, giga(cap))];
            chart.draw_series(LineSeries::new(line, LIMIT.stroke_width(2)))?;
        }
        Ok(())
    })
}

/// A bar for each day or hour: down and, on top of it, up.
pub(crate) fn bars(title: &str, bars: &[(String, u64, u64)]) -> Option<String> {
    if bars.is_empty() {
        return None;
    }
    let most = bars.iter().map(|(_, down, up)| down.saturating_add(*up)).max()?;
    let top = giga(most).max(0.001) * 1.05;
    let count = i32::try_from(bars.len()).ok()?;
    let label = |n: &i32| {
        usize::try_from(*n).ok().and_then(|n| bars.get(n)).map_or(String::new(), |bar| bar.0.clone())
    };
    draw(title, |root| {
        let mut chart = ChartBuilder::on(root)
            .margin(8)
            .margin_right(30)
            .x_label_area_size(24)
            .y_label_area_size(58)
            .build_cartesian_2d(0..count, 0.0..top)?;
        axes(&mut chart, &label, 3, top)?;
        for (n, (_, down, up)) in (0..).zip(bars) {
            let (down, all) = (giga(*down), giga(down.saturating_add(*up)));
            let mut lower = Rectangle::new([(n, 0.0), (n + 1, down)], USED.filled());
            let mut upper = Rectangle::new([(n, down), (n + 1, all)], OTHER.filled());
            lower.set_margin(0, 0, 1, 1);
            upper.set_margin(0, 0, 1, 1);
            chart.draw_series([lower, upper])?;
        }
        Ok(())
    })
}

type Root<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;
type Plane<'a, 'b> = ChartContext<
    'a,
    SVGBackend<'b>,
    Cartesian2d<plotters::coord::types::RangedCoordi32, plotters::coord::types::RangedCoordf64>,
>;
type Drawn = Result<(), DrawingAreaErrorKind<<SVGBackend<'static> as DrawingBackend>::ErrorType>>;

fn axes(chart: &mut Plane<'_, '_>, label: &dyn Fn(&i32) -> String, labels: usize, top: f64) -> Drawn {
    let (times, unit) = if top < 1.0 { (1000.0, "MB") } else { (1.0, "GB") };
    let text = ("sans-serif", TEXT).into_font().color(&INK).pos(Pos::new(HPos::Center, VPos::Top));
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(GRID.stroke_width(0))
        .bold_line_style(GRID.stroke_width(1))
        .axis_style(GRID.stroke_width(1))
        .label_style(("sans-serif", TEXT).into_font().color(&INK))
        .x_label_style(text)
        .x_labels(labels)
        .y_labels(5)
        .x_label_formatter(&|n| label(n))
        .y_label_formatter(&|gb| format!("{} {unit}", (gb * times * 1000.0).round() / 1000.0))
        .draw()
}

/// A picture that says in words what it shows.
fn draw(title: &str, with: impl FnOnce(&Root<'_>) -> Drawn) -> Option<String> {
    let mut svg = String::new();
    let root = SVGBackend::with_string(&mut svg, (WIDE, HIGH)).into_drawing_area();
    let drawn = with(&root).and_then(|()| root.present());
    drop(root);
    if let Err(error) = drawn {
        tracing::error!(%error, "a chart cannot be drawn");
        return None;
    }
    let title = askama::filters::escape(title, askama::filters::Html).ok()?;
    Some(svg.replacen("<svg ", &format!("<svg role=\"img\" aria-label=\"{title}\" "), 1))
}

#[allow(clippy::cast_precision_loss, reason = "a picture is not exact")]
fn giga(bytes: u64) -> f64 {
    bytes as f64 / 1e9
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    #[test]
    fn a_forecast_has_what_was_used_what_may_come_and_the_cap() {
        let date = |day| jiff::civil::date(2026, 11, day);
        let mut given = Forecast {
            language: Language::English,
            title: "used & \"to come\"".into(),
            begins: date(5),
            ends: jiff::civil::date(2026, 12, 4),
            used: vec![(date(5), 1_000_000_000), (date(6), 1_500_000_000)],
            total: Some((17_000_000_000, 20_500_000_000, 24_000_000_000)),
            cap: Some(20_000_000_000),
        };
        let svg = forecast(&given).unwrap();
        assert!(svg.starts_with("<svg role=\"img\" aria-label=\"used &#38; &#34;to come&#34;\""), "{svg}");
        for mark in ["#010103", "#010104", "#010105", "November", "20 GB"] {
            assert!(svg.contains(mark), "{mark}\n{svg}");
        }
        // Nothing that a strict policy would refuse.
        assert!(!svg.contains("style=") && !svg.contains("<script"), "{svg}");
        given.total = None;
        assert!(!forecast(&given).unwrap().contains("#010104"));
        given.used.clear();
        assert_eq!(forecast(&given), None);
    }

    #[test]
    fn a_bar_for_each_day() {
        let svg = bars("by day", &[("1".into(), 5, 1), ("2".into(), 0, 0)]).unwrap();
        assert_eq!(svg.matches("#010103").count(), 2, "{svg}");
        assert_eq!(bars("by day", &[]), None);
    }
}

use super::*;

const TARIFFS: &str = r#"
currency = "EUR"
vat = "19% included"

[[tariff]]
name = "Small"
period = "every 28d"
fee = "5"
[[tariff.part]]
name = "data"
data = "7GB"

[[tariff]]
name = "Large"
period = "every 28d"
fee = "15"
[[tariff.part]]
name = "data"
data = "20GB"

[[tariff]]
name = "Trip"
period = "every 14d"
where = "abroad"
fee = "7"
[[tariff.part]]
name = "esim"
data = "5GB"
"#;

fn advice(abroad: &[(Date, Date)], present: Option<&str>) -> api::Advice {
    let catalogue = catalogue(TARIFFS).expect("good");
    let history = History { days: vec![Bytes(500_000_000); 364], last: date("2026-11-26").expect("a date") };
    let asked = Advise {
        tariffs: PathBuf::new(),
        history: None,
        abroad: abroad.to_vec(),
        present: None,
        from: None,
        fast_enough: 2_000_000,
    };
    let present = present.map(|name| catalogue.tariffs[catalogue.find(name).expect("there")].clone());
    asked.ask(&catalogue, &history, date("2026-11-27").expect("a date"), present.as_ref(), Vec::new())
}

/// The example of docs/advice.md, worked out there by hand.
#[test]
fn the_example_of_the_documentation() {
    let trip = trip("2027-07-01..2027-07-10").expect("a trip");
    let advice = advice(&[trip], Some("Large"));
    assert_eq!(advice.best.tariffs, ["Small", "Trip"]);
    let screen = text(&advice, Some("with 19 % VAT"), 80);
    insta::assert_snapshot!(anstream::adapter::strip_str(&screen).to_string());
}

#[test]
fn a_choice_as_json_adds_up() {
    let advice = advice(&[], None);
    let paid: i64 = advice.best.bought.iter().map(|p| crate::money::amount(&p.cost).expect("money").0).sum();
    assert_eq!(Money(paid).to_string(), advice.best.cost);
    let used: u64 = advice.best.bought.iter().map(|p| p.used).sum();
    assert_eq!(used, advice.need);
}

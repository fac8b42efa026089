//! The tokens of dispatch systems: what is refused, that none is said, and what a running service takes over.

use super::*;

#[test]
fn a_token_is_long_and_a_systems_own_and_is_never_said() {
    let good = GOOD.replace("\"data\"", "\"/d\"").replace("m/model", "/m/model");
    let with = |dispatch: &str, one: &str| {
        load_texts(&[
            ("a.toml", &format!("{good}{dispatch}")),
            ("one", one),
            ("two", "another-token/0123=\n"),
            ("wide", &"x".repeat(513)),
        ])
    };
    let county = "[[dispatch]]\nid = \"county\"\ntoken_file = \"one\"\n";
    let before = with(county, "0123456789abcdef\r\n").expect("good");
    assert_eq!(before.lifecycle.tokens().collect::<Vec<_>>(), [("county", "0123456789abcdef")]);
    assert!(!format!("{before:?}").contains("0123456789abcdef"), "a token is in Debug");
    for (dispatch, one, wants) in [
        (county, "0123456789abcde", "one holds 15 characters, wants 16 to 512"),
        (county, "", "one holds 0 characters"),
        (county, "0123456789 abcdef", "one holds other characters than letters, digits and -._~+/="),
        (county, "0123456789ab\ncdef", "one holds other characters"),
        (&county.replace("one", "wide"), "", "wide holds 513 characters"),
        (&county.replace("one", "none"), "", "dispatch[county].token_file: could not read"),
        (
            &format!("{county}{}", county.replace("county", "city")),
            "0123456789abcdef",
            "dispatch[city].token_file: dispatch system county has the same token",
        ),
    ] {
        let said = with(dispatch, one).expect_err("wrong").to_string();
        assert!(said.contains(wants), "{said}");
        assert!(!said.contains("0123456789"), "the token is said: {said}");
    }

    // Of all that a [[dispatch]] says, a running service takes over the tokens alone.
    let renewed = with(&county.replace("one", "two"), "").expect("good");
    let plan = diff(&before, &renewed);
    assert!(plan.tokens && plan.restart.is_empty() && !plan.is_empty(), "{plan:?}");
    assert_eq!(plan.lines(), ["[[dispatch]]: tokens changed"]);
    let another = with("[[dispatch]]\nid = \"city\"\ntoken_file = \"two\"\n", "").expect("good");
    let plan = diff(&before, &another);
    assert!(!plan.tokens && plan.restart == ["lifecycle"], "{plan:?}");
    assert_eq!(
        before.lifecycle.with_tokens_of(&another.lifecycle),
        before.lifecycle,
        "a system that goes keeps its token"
    );
}

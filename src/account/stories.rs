//! Officials who sign in for the first time, every day, and after they have lost their telephone.

use super::*;

const DAYS: SignedDuration = SignedDuration::from_hours(24);

fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

fn made() -> Account {
    Account::new("erika".parse().expect("a name"), Role::Editor, PasswordHash::of_nobody(), at("2026-11-25T09:00:00Z"))
}

/// With the seed of RFC 6238, whose code at 59 s is 287082 and at 1111111109 s is 081804.
fn enrolled() -> Account {
    let recovery = vec![RecoveryHash::of("abcd-efgh"), RecoveryHash::of("ijkl-mnop")];
    let seed = Seed::new(*b"12345678901234567890");
    made().enrolled(seed, 0, recovery, at("2026-11-25T09:05:00Z")).with_password(made().password)
}

#[test]
fn who_signs_in_for_the_first_time_shows_an_app_and_chooses_a_password() {
    let account = made();
    assert_eq!(account.enter(DAYS * 180, at("2026-11-26T09:00:00Z")), Ok(Stage::Enrol { seed: None }));
    let with_app = account.enrolled(Seed::new([1; SEED]), 7, Vec::new(), at("2026-11-26T09:00:00Z"));
    assert_eq!(with_app.after_second(), Stage::NewPassword);
    let done = with_app.with_password(PasswordHash::of_nobody());
    assert_eq!(done.after_second(), Stage::In);
    assert_eq!(done.enter(DAYS * 180, at("2026-11-27T09:00:00Z")), Ok(Stage::Code { wrong: 0 }));
}

#[test]
fn a_password_that_somebody_else_made_waits_for_a_week() {
    assert!(made().enter(DAYS * 180, at("2026-12-02T09:00:00Z")).is_ok());
    assert_eq!(made().enter(DAYS * 180, at("2026-12-02T09:00:01Z")), Err(Barred::TooLate));
}

#[test]
fn a_code_counts_once_also_before_the_store_has_heard_of_it_and_no_earlier_one_after_it() {
    let (account, mut spent) = (enrolled(), Spent::default());
    assert!(account.takes_code("081804", 1_111_111_109, &mut spent));
    assert!(!account.takes_code("081804", 1_111_111_109, &mut spent), "the same again");
    assert!(!account.takes_code("287082", 59, &mut spent), "one of before");
    let kept = account.used(&spent, at("2026-11-26T09:00:00Z"));
    assert!(!kept.takes_code("081804", 1_111_111_110, &mut Spent::default()), "after a restart");
    assert!(!made().takes_code("081804", 1_111_111_109, &mut Spent::default()), "without a second factor");
}

#[test]
fn a_recovery_code_counts_once() {
    let (account, mut spent) = (enrolled(), Spent::default());
    assert!(!account.takes_recovery("qrst-uvwx", &mut spent));
    assert!(account.takes_recovery("ABCD EFGH", &mut spent) && !account.takes_recovery("abcdefgh", &mut spent));
    let kept = account.used(&spent, at("2026-11-26T09:00:00Z"));
    assert_eq!(kept.second.as_ref().map(|second| second.recovery.len()), Some(1));
    assert!(!kept.takes_recovery("abcdefgh", &mut Spent::default()));
    assert!(kept.takes_recovery("ijklmnop", &mut Spent::default()));
}

#[test]
fn an_account_that_nobody_uses_is_closed_and_a_disabled_one_at_once() {
    let account = enrolled();
    assert!(account.enter(DAYS * 180, at("2027-05-24T09:00:00Z")).is_ok());
    assert_eq!(account.enter(DAYS * 180, at("2027-05-24T10:00:00Z")), Err(Barred::Unused));
    let disabled = Account { disabled: true, ..account.clone() };
    assert_eq!(disabled.enter(DAYS * 180, at("2026-11-26T09:00:00Z")), Err(Barred::Disabled));
    let again = account.reset(made().password, at("2027-06-01T09:00:00Z"));
    assert_eq!(again.enter(DAYS * 180, at("2027-06-01T09:01:00Z")), Ok(Stage::Enrol { seed: None }));
}

#[test]
fn what_is_kept_comes_back_whole_and_what_is_damaged_is_told_without_what_is_in_it() {
    for account in [made(), enrolled()] {
        assert_eq!(Account::from_kept(&account.to_kept()), Ok(account));
    }
    let kept = String::from_utf8(enrolled().to_kept()).expect("text");
    let newer = kept.replace("\"form\":1", "\"form\":2");
    assert!(Account::from_kept(newer.as_bytes()).expect_err("refused").to_string().contains("newer"));
    let seed = enrolled().second.map(|second| second.seed.base32()).expect("a seed");
    let damaged = kept.replace(seed.as_str(), "SECRET1");
    let error = Account::from_kept(damaged.as_bytes()).expect_err("refused").to_string();
    assert!(!error.contains("SECRET1"), "{error}");
}

use super::*;

fn open(data: &Path) -> (Auth, Option<String>) {
    Auth::open_with(data, None).expect("a good data directory")
}

#[test]
fn the_first_start_gives_an_admin_token_once() {
    let data = tempfile::tempdir().unwrap();
    let (auth, first) = open(data.path());
    let token = first.expect("a first token");
    assert_eq!(token.len(), 64, "256 bits");
    assert_eq!(auth.who(&token).unwrap().role, Role::Admin);
    let (again, second) = open(data.path());
    assert_eq!(second, None);
    assert_eq!(again.who(&token).unwrap().name, "admin");
}

#[test]
fn tokens_are_kept_as_hashes_and_for_the_owner_alone() {
    let data = tempfile::tempdir().unwrap();
    let (auth, first) = open(data.path());
    let (_, other) = auth.create("anna", Role::Operator).unwrap();
    let path = data.path().join("tokens.json");
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(!text.contains(&first.unwrap()) && !text.contains(&other));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn a_revoked_token_is_nobody_but_the_last_admin_stays() {
    let data = tempfile::tempdir().unwrap();
    let (auth, first) = open(data.path());
    let admin = auth.who(&first.unwrap()).unwrap();
    let (info, token) = auth.create("anna", Role::Operator).unwrap();
    let anna = auth.who(&token).unwrap();
    assert!(auth.holds(&anna) && anna.may(Role::Viewer) && !anna.may(Role::Engineer));
    auth.revoke(&info.id).unwrap();
    assert!(auth.who(&token).is_none() && !auth.holds(&anna));
    assert!(open(data.path()).0.who(&token).is_none(), "also after a restart");
    assert!(matches!(auth.revoke(&admin.token), Err(AuthError::LastAdmin(_))));
    assert!(matches!(auth.revoke(&info.id), Err(AuthError::Unknown(_))));
}

#[test]
fn the_environment_may_set_the_admin_token() {
    let data = tempfile::tempdir().unwrap();
    let given = "g".repeat(40);
    let (auth, first) = Auth::open_with(data.path(), Some(given.clone())).unwrap();
    assert_eq!(first, None, "no other is needed");
    assert_eq!(auth.who(&given).unwrap().role, Role::Admin);
    auth.create("anna", Role::Viewer).unwrap();
    assert!(!std::fs::read_to_string(data.path().join("tokens.json")).unwrap().contains(ENVIRONMENT));
    assert!(matches!(Auth::open_with(data.path(), Some("short".into())), Err(AuthError::GivenToken)));
    assert!(matches!(auth.revoke(ENVIRONMENT), Err(AuthError::FromEnvironment)));
}

#[test]
fn what_is_no_token_is_nobody() {
    let data = tempfile::tempdir().unwrap();
    let (auth, first) = open(data.path());
    let token = first.unwrap();
    for wrong in ["", &token[1..], &format!("{token}0"), &token.to_uppercase(), &"x".repeat(100_000)] {
        assert!(auth.who(wrong).is_none());
    }
}

#[test]
fn names_are_checked_and_unique() {
    let data = tempfile::tempdir().unwrap();
    let (auth, _) = open(data.path());
    for wrong in ["", "  ", "a\nb", "<b>", &"n".repeat(NAME_MOST + 1)] {
        assert!(matches!(auth.create(wrong, Role::Viewer), Err(AuthError::Name)), "{wrong:?}");
    }
    auth.create("anna", Role::Viewer).unwrap();
    assert!(matches!(auth.create("anna", Role::Viewer), Err(AuthError::NameTaken(_))));
}

#[test]
fn a_damaged_list_is_not_taken_for_an_empty_one() {
    let data = tempfile::tempdir().unwrap();
    open(data.path());
    std::fs::write(data.path().join("tokens.json"), "[{]").unwrap();
    assert!(matches!(Auth::open_with(data.path(), None), Err(AuthError::Damaged { .. })));
}

#[test]
fn the_number_of_tokens_is_bounded() {
    let data = tempfile::tempdir().unwrap();
    let (auth, _) = open(data.path());
    let made = (0..TOKENS_MOST).take_while(|n| auth.create(&format!("t{n}"), Role::Viewer).is_ok()).count();
    assert_eq!(made, TOKENS_MOST - 1, "beside the first admin");
    assert!(matches!(auth.create("more", Role::Viewer), Err(AuthError::Full)));
}

//! Signing in and out: from a knock at the door to a step of `account`, with chance, the clock, the store and the audit. Who
//! fails learns nothing: an unknown name, a wrong password and a closed account have one answer, which takes the same time.

use jiff::SignedDuration;
use tokio::sync::oneshot;
use zeroize::Zeroizing;

use super::access::{FOLDER, Known, network};
use super::chance::random;
use super::meetings::refusal_of;
use super::slow::Proof;
use super::{Gateway, accounts, clock};
use crate::account::{
    self, Account, Barred, CannotHash, Fresh, Opened, PasswordHash, RECOVERIES, RecoveryHash, Seed, Session, Stage, Who,
};
use crate::ivr::Suspicion;
use crate::records::Deed;
use crate::store::{self, Failed, Revision, Value};
use crate::web::session::{About, Done, Knock, Next, Wish};
use crate::web::{Refusal, Secret};
use crate::words::{AccountName, Personal};

pub(super) type Reply = oneshot::Sender<Result<Done, Refusal>>;
type From = Personal<std::net::IpAddr>;

/// An account that is with the store, and what comes then.
pub(super) enum Keeping {
    /// Somebody has signed in, and is in already.
    Used { name: AccountName, lost: u32 },
    /// An app is known, and these are told once.
    Enrolled { name: AccountName, cookie: Secret, recovery: Vec<Zeroizing<String>>, reply: Reply },
    /// A password is chosen.
    Chosen { name: AccountName, cookie: Secret, reply: Reply },
    /// An administrator wants it so.
    Administrated(accounts::Keeping),
}

/// A note that lost so often against others is given up: what was spent is still in memory.
const MOST_LOST: u32 = 5;

impl Gateway {
    pub(super) fn on_knock(&mut self, knock: Knock) {
        let Knock { from, shown, wish, reply } = knock;
        let wish = match wish {
            Ok(Wish::SignIn { name, password }) => return self.sign_in(from, name.parse().ok(), password, reply),
            Ok(Wish::Depart { to }) => return self.departs(from, to, reply),
            Ok(Wish::Return(callback)) => return self.returns(from, shown, callback, reply),
            wish => wish,
        };
        let Some(cookie) = shown.cookie else { return drop(reply.send(Err(Refusal::WrongToken))) };
        let found = self.access.sessions.find(cookie.expose(), clock::now()).map_err(|_| Refusal::WrongToken);
        let own = |session: &Session| shown.csrf.as_ref().is_none_or(|csrf| session.is_own(csrf.expose()));
        let session = found.and_then(|session| if own(session) { Ok(session.clone()) } else { Err(Refusal::Foreign) });
        let (session, wish) = match session.and_then(|session| Ok((session, wish?))) {
            Ok(both) => both,
            Err(refusal) => return drop(reply.send(Err(refusal))),
        };
        match wish {
            Wish::Code(code) => self.show_code(&from, cookie, session, &code, reply),
            Wish::Recovery(code) => drop(reply.send(self.show_recovery(&from, &cookie, &session, &code))),
            Wish::Enrol => drop(reply.send(self.enrol(&cookie, session))),
            Wish::Password { old, new } => self.new_password(from, cookie, session, old, new, reply),
            Wish::Look => drop(reply.send(self.about(&session).map(|about| Done::Session(Box::new(about), None)))),
            Wish::SignOut { everywhere } => drop(reply.send(Ok(self.sign_out(&cookie, &session, everywhere)))),
            Wish::SignIn { .. } | Wish::Depart { .. } | Wish::Return(_) => drop(reply.send(Err(Refusal::NotNow))),
        }
    }

    /// The first step. Names that nobody has are looked at like others.
    fn sign_in(&self, from: From, name: Option<AccountName>, password: Secret, reply: Reply) {
        let wait = self.access.passwords.closed_for(Some(&network(&from)), name.as_ref(), clock::now());
        if !wait.is_zero() {
            return drop(reply.send(Err(Refusal::SlowDown(wait))));
        }
        if !self.access.slow.has_place() {
            return drop(reply.send(Err(Refusal::Busy)));
        }
        let known = name.as_ref().and_then(|name| self.access.accounts.get(name));
        let hash = known.map_or_else(PasswordHash::of_nobody, |known| known.account.password.clone());
        self.access.slow.run(move || {
            let right = hash.is(password.expose());
            Proof::Entered { from, name, right, reply }
        });
    }

    pub(super) fn on_proof(&mut self, proof: Proof) {
        match proof {
            Proof::Entered { from, name, right, reply } => drop(reply.send(self.entered(&from, name, right))),
            Proof::Old { cookie, name, new, right: true, reply, .. } => self.choose(cookie, name, new, reply),
            Proof::Old { from, name, right: false, reply, .. } => {
                self.failed(&from, &name, "password");
                drop(reply.send(Err(Refusal::WrongPassword)));
            }
            Proof::OneTime { pending, hash } => self.on_one_time(pending, hash),
            Proof::Chosen { cookie, name, hash, reply } => self.chosen(cookie, name, hash, reply),
            Proof::Led { from, drawn, to, led, reply } => drop(reply.send(self.led(&from, &drawn, to, led))),
            Proof::Redeemed { from, before, to, person, reply } => {
                drop(reply.send(self.redeemed(&from, before.as_ref(), to, person)));
            }
        }
    }

    /// The password was looked at.
    fn entered(&mut self, from: &From, name: Option<AccountName>, right: bool) -> Result<Done, Refusal> {
        let known = name.as_ref().and_then(|name| self.access.accounts.get(name));
        let unused = SignedDuration::from_hours(24 * i64::from(self.config.accounts.unused_days.get()));
        let entered = known.filter(|_| right).map(|known| known.account.enter(unused, clock::moment()));
        match (entered, name) {
            (Some(Ok(stage)), Some(name)) => {
                let opened = self.access.sessions.open(Who::Account(name), stage, &fresh()?, clock::now());
                self.told(opened, Vec::new())
            }
            (Some(Err(barred)), Some(name)) => {
                self.failed(from, &name, Barred::name(barred));
                Err(Refusal::WrongPassword)
            }
            (None, Some(name)) if self.access.accounts.contains_key(&name) => {
                self.failed(from, &name, "password");
                Err(Refusal::WrongPassword)
            }
            (None | Some(_), name) => {
                self.guessed_password(from, name.as_ref());
                Err(Refusal::WrongPassword)
            }
        }
    }

    /// Somebody did not get in with an account that there is.
    fn failed(&mut self, from: &From, name: &AccountName, why: &str) {
        let suspicions = self.guessed_password(from, Some(name));
        self.note(Deed::SignInFailed { account: name.to_string(), why: why.to_owned() });
        self.note_slowed(name, &suspicions);
    }

    fn note_slowed(&self, name: &AccountName, suspicions: &[Suspicion]) {
        for suspicion in suspicions {
            if let Suspicion::Conference { failures } = suspicion {
                tracing::warn!(account = %name, failures, "somebody seems to guess at an account");
                self.note(Deed::AccountSlowed { account: name.to_string(), failures: *failures });
            }
        }
    }

    /// The code of an app: of the one that is known, or of one that is to be.
    fn show_code(&mut self, from: &From, cookie: Secret, session: Session, code: &Secret, reply: Reply) {
        let Who::Account(name) = session.who else { return drop(reply.send(Err(Refusal::NotNow))) };
        if let Err(refusal) = self.may_show(from, &name) {
            return drop(reply.send(Err(refusal)));
        }
        let unix = u64::try_from(clock::unix()).unwrap_or_default();
        match session.stage {
            Stage::Code { wrong } => {
                let spent = self.access.spent.entry(name.clone()).or_default();
                let known = self.access.accounts.get(&name);
                let right = known.is_some_and(|known| known.account.takes_code(code.expose(), unix, spent));
                drop(reply.send(self.shown(from, &cookie, &name, right, wrong, "code")));
            }
            Stage::Enrol { seed: Some(seed) } => match seed.step_of(code.expose(), unix) {
                Some(step) => self.enrolled(name, cookie, seed, step, reply),
                None => drop(reply.send(Err(Refusal::WrongCode))),
            },
            Stage::Enrol { seed: None } | Stage::NewPassword | Stage::In => drop(reply.send(Err(Refusal::NotNow))),
        }
    }

    fn show_recovery(
        &mut self,
        from: &From,
        cookie: &Secret,
        session: &Session,
        code: &Secret,
    ) -> Result<Done, Refusal> {
        let (Who::Account(name), Stage::Code { wrong }) = (&session.who, &session.stage) else {
            return Err(Refusal::NotNow);
        };
        self.may_show(from, name)?;
        let spent = self.access.spent.entry(name.clone()).or_default();
        let known = self.access.accounts.get(name);
        let right = known.is_some_and(|known| known.account.takes_recovery(code.expose(), spent));
        self.shown(from, cookie, name, right, *wrong, "recovery")
    }

    fn may_show(&self, from: &From, name: &AccountName) -> Result<(), Refusal> {
        let wait = self.access.codes.closed_for(Some(&network(from)), Some(name), clock::now());
        if wait.is_zero() { Ok(()) } else { Err(Refusal::SlowDown(wait)) }
    }

    /// A second factor was looked at.
    fn shown(
        &mut self,
        from: &From,
        cookie: &Secret,
        name: &AccountName,
        right: bool,
        wrong: u8,
        by: &str,
    ) -> Result<Done, Refusal> {
        let stage = self.access.accounts.get(name).map(|known| known.account.after_second());
        if let (true, Some(stage)) = (right, stage) {
            let opened = self.advance(cookie, stage)?;
            self.note_used(name.clone(), 0);
            self.signed_in(name.as_str(), by);
            return self.told(opened, Vec::new());
        }
        let wrong = wrong.saturating_add(1);
        if wrong >= account::WRONG_CODES {
            self.access.sessions.close(cookie.expose());
        } else if let Ok(session) = self.access.sessions.find(cookie.expose(), clock::now()) {
            session.stage = Stage::Code { wrong };
        }
        let suspicions = self.access.codes.failed(Some(&network(from)), Some(name), clock::now());
        self.note(Deed::SignInFailed { account: name.to_string(), why: String::from("code") });
        self.note_slowed(name, &suspicions);
        Err(Refusal::WrongCode)
    }

    pub(super) fn signed_in(&self, name: &str, by: &str) {
        tracing::info!(account = name, by, "signed in");
        self.note(Deed::SignedIn { account: name.to_string(), by: by.to_owned() });
    }

    /// What an app has to know. Asked again, a page is told the same.
    fn enrol(&mut self, cookie: &Secret, session: Session) -> Result<Done, Refusal> {
        let (Who::Account(name), Stage::Enrol { seed }) = (session.who, session.stage) else {
            return Err(Refusal::NotNow);
        };
        let seed = match seed {
            Some(seed) => seed,
            None => Seed::new(random().map_err(|_| Refusal::Busy)?),
        };
        let (secret, uri) = (seed.base32(), seed.uri(&name));
        let session = self.access.sessions.find(cookie.expose(), clock::now()).map_err(|_| Refusal::WrongToken)?;
        session.stage = Stage::Enrol { seed: Some(seed) };
        Ok(Done::Enrolment { secret, uri })
    }

    /// The app has shown its code: it counts once it is kept.
    fn enrolled(&mut self, name: AccountName, cookie: Secret, seed: Seed, step: u64, reply: Reply) {
        let codes = std::iter::repeat_with(random).take(RECOVERIES);
        let codes: Result<Vec<_>, _> = codes.map(|bytes| bytes.map(account::recovery_code)).collect();
        let (Ok(recovery), Some(known)) = (codes, self.access.accounts.get(&name)) else {
            return drop(reply.send(Err(Refusal::Busy)));
        };
        let hashes = recovery.iter().map(|code| RecoveryHash::of(code)).collect();
        let account = known.account.clone().enrolled(seed, step, hashes, clock::moment());
        let expects = known.revision;
        self.keep(&account, expects, Keeping::Enrolled { name, cookie, recovery, reply });
    }

    /// Another password: in the first sign-in, or for somebody who knows the old one.
    fn new_password(
        &mut self,
        from: From,
        cookie: Secret,
        session: Session,
        old: Option<Secret>,
        new: Secret,
        reply: Reply,
    ) {
        let Who::Account(name) = session.who else { return drop(reply.send(Err(Refusal::NotNow))) };
        if let Err(unfit) = account::fit(new.expose(), &name) {
            return drop(reply.send(Err(unfit.into())));
        }
        match (session.stage, old) {
            (Stage::NewPassword, _) => self.choose(cookie, name, new, reply),
            (Stage::In, Some(old)) => {
                let wait = self.access.passwords.closed_for(Some(&network(&from)), Some(&name), clock::now());
                let Some(known) = self.access.accounts.get(&name).filter(|_| wait.is_zero()) else {
                    return drop(reply.send(Err(Refusal::SlowDown(wait))));
                };
                if !self.access.slow.has_place() {
                    return drop(reply.send(Err(Refusal::Busy)));
                }
                let hash = known.account.password.clone();
                self.access.slow.run(move || {
                    let right = hash.is(old.expose());
                    Proof::Old { from, cookie, name, new, right, reply }
                });
            }
            (Stage::In, None) => drop(reply.send(Err(Refusal::WrongPassword))),
            (Stage::Code { .. } | Stage::Enrol { .. }, _) => drop(reply.send(Err(Refusal::NotNow))),
        }
    }

    fn choose(&self, cookie: Secret, name: AccountName, new: Secret, reply: Reply) {
        let Ok(salt) = random() else { return drop(reply.send(Err(Refusal::Busy))) };
        if !self.access.slow.has_place() {
            return drop(reply.send(Err(Refusal::Busy)));
        }
        self.access.slow.run(move || {
            let hash = PasswordHash::of(new.expose(), &salt);
            Proof::Chosen { cookie, name, hash, reply }
        });
    }

    fn chosen(&mut self, cookie: Secret, name: AccountName, hash: Result<PasswordHash, CannotHash>, reply: Reply) {
        let (Ok(hash), Some(known)) = (hash, self.access.accounts.get(&name)) else {
            return drop(reply.send(Err(Refusal::Busy)));
        };
        let (account, expects) = (known.account.clone().with_password(hash), known.revision);
        self.keep(&account, expects, Keeping::Chosen { name, cookie, reply });
    }

    fn sign_out(&mut self, cookie: &Secret, session: &Session, everywhere: bool) -> Done {
        let account = session.who.to_string();
        self.access.sessions.close(cookie.expose());
        if everywhere {
            self.access.sessions.close_all(&account, None);
        }
        if session.stage == Stage::In {
            self.note(Deed::SignedOut { account, everywhere });
        }
        let elsewhere = match &session.who {
            Who::Guest { proof, .. } => self.sign_out_at(proof),
            Who::Account(_) => None,
        };
        Done::Over { elsewhere }
    }

    /// Wants an account kept. What is refused at once is told at once.
    fn keep(&mut self, account: &Account, expects: Revision, then: Keeping) {
        self.keep_account(&account.name, Some(account), Some(expects), then);
    }

    /// The same; of a new one, or of one that is to be no more.
    pub(super) fn keep_account(
        &mut self,
        name: &AccountName,
        account: Option<&Account>,
        expects: Option<Revision>,
        then: Keeping,
    ) {
        let ticket = self.desk.ticket();
        let key = format!("{FOLDER}{name}");
        let value = account.map(|account| Value::new(account.to_kept()));
        match self.store.want(store::Wish { ticket, key, expects, value }) {
            Ok(()) => drop(self.access.keeping.insert(ticket, then)),
            Err(failed) => self.kept(then, Err(failed)),
        }
    }

    /// The store has answered.
    pub(super) fn on_kept(&mut self, ticket: u64, outcome: Result<Revision, Failed>) {
        if let Some(then) = self.access.keeping.remove(&ticket) {
            self.kept(then, outcome);
        }
    }

    fn kept(&mut self, then: Keeping, outcome: Result<Revision, Failed>) {
        match then {
            Keeping::Administrated(keeping) => self.on_administrated(keeping, outcome),
            Keeping::Used { name, lost } => match outcome {
                Ok(_) => drop(self.access.spent.remove(&name)),
                Err(Failed::Conflict) if lost < MOST_LOST => self.note_used(name, lost + 1),
                Err(why) => {
                    tracing::warn!(account = %name, %why, "a sign-in is not kept; its code counts no more all the same")
                }
            },
            Keeping::Enrolled { name, cookie, recovery, reply } => {
                let done = outcome.map_err(|failed| refusal_of(&failed)).and_then(|_| {
                    let stage = self.access.accounts.get(&name).ok_or(Refusal::WrongToken)?.account.after_second();
                    let opened = self.advance(&cookie, stage)?;
                    self.note(Deed::AppEnrolled { account: name.to_string() });
                    self.signed_in(name.as_str(), "enrolment");
                    self.told(opened, recovery)
                });
                drop(reply.send(done));
            }
            Keeping::Chosen { name, cookie, reply } => {
                let done = outcome.map_err(|failed| refusal_of(&failed)).and_then(|_| {
                    let opened = self.advance(&cookie, Stage::In)?;
                    self.access.sessions.close_all(name.as_str(), Some(opened.id.expose()));
                    self.note(Deed::PasswordChosen { account: name.to_string() });
                    self.told(opened, Vec::new())
                });
                drop(reply.send(done));
            }
        }
    }

    /// Keeps what a sign-in has used up.
    fn note_used(&mut self, name: AccountName, lost: u32) {
        let (Some(Known { account, revision }), Some(spent)) =
            (self.access.accounts.get(&name), self.access.spent.get(&name))
        else {
            return;
        };
        let (account, expects) = (account.clone().used(spent, clock::moment()), *revision);
        self.keep(&account, expects, Keeping::Used { name, lost });
    }

    fn advance(&mut self, cookie: &Secret, stage: Stage) -> Result<Opened, Refusal> {
        let advanced = self.access.sessions.advance(cookie.expose(), stage, &fresh()?, clock::now());
        advanced.map_err(|_| Refusal::WrongToken)
    }

    /// The answer of a step: the session, and its new cookie.
    fn told(&self, opened: Opened, recovery: Vec<Zeroizing<String>>) -> Result<Done, Refusal> {
        let about = self.about(&opened.session)?;
        Ok(Done::Session(Box::new(About { recovery, ..about }), Some(opened.id)))
    }

    fn about(&self, session: &Session) -> Result<About, Refusal> {
        let limits = self.access.sessions.limits();
        Ok(About {
            next: match session.stage {
                Stage::Code { .. } => Next::Code,
                Stage::Enrol { .. } => Next::Enrol,
                Stage::NewPassword => Next::NewPassword,
                Stage::In => Next::Nothing,
            },
            name: session.who.to_string(),
            role: Some(self.access.role_of(&session.who).ok_or(Refusal::WrongToken)?),
            has_account: matches!(session.who, Who::Account(_)),
            csrf: session.csrf().clone(),
            ends_in: session.ends(limits).saturating_duration_since(clock::now()),
            idle: limits.idle,
            recovery: Vec::new(),
        })
    }
}

pub(super) fn fresh() -> Result<Fresh, Refusal> {
    let bytes = || random().map_err(|_| Refusal::Busy);
    Ok(Fresh { id: bytes()?, csrf: bytes()? })
}

//! Actions that place calls: whether what they speak of is there, and what they may cost.

use super::super::pattern::EMERGENCY;
use super::super::placing::Callee;
use super::super::{Action, Decision, Rule, Surroundings};
use super::{Findings, NO_TRUNK, is_outside, there_are};
use crate::words::TrunkName;

pub(super) fn lint(findings: &mut Findings<'_>, around: &Surroundings) {
    for rule in findings.plan.rules() {
        let Action::Decide(decision) = &rule.action.value else { continue };
        for callee in decision.callees() {
            callee_of(findings, rule, callee, around);
        }
        if let Decision::Rescue(rescue) = decision {
            trunk_of(findings, rule, &rescue.trunk, around);
        }
        if let Decision::Announce(saying) = decision
            && !around.prompts.contains(&saying.say)
        {
            let help = there_are(&around.prompts, "`einwahl prompts list` names them");
            findings.error(&rule.action, format!("there is no prompt {:?}", saying.say), help);
        }
    }
}

fn callee_of(findings: &mut Findings<'_>, rule: &Rule, callee: &Callee, around: &Surroundings) {
    trunk_of(findings, rule, &callee.trunk, around);
    if EMERGENCY.contains(&callee.user.as_str()) {
        let message = format!("{} is rung like a telephone: an emergency call needs its own rule", callee.user);
        let help = format!("write emergency = {{ trunk = \"{}\", identity = \"+49…\" }}", callee.trunk);
        findings.error(&rule.action, message, help);
    } else if is_outside(&callee.user) && rule.caller.is_empty() {
        let message = format!(
            "whoever calls may reach {} by rule {:?}, and the call goes on your bill",
            callee.user, rule.name.value
        );
        let help = String::from("add caller = \"…\" for those who may, or ring an extension");
        findings.warning(&rule.action, message, help);
    }
}

fn trunk_of(findings: &mut Findings<'_>, rule: &Rule, trunk: &TrunkName, around: &Surroundings) {
    if !around.trunks.contains(trunk) {
        let help = there_are(&around.trunks, NO_TRUNK);
        findings.error(&rule.action, format!("there is no trunk {trunk}"), help);
    } else if !around.dial.contains(trunk) {
        let message = format!("by trunk {trunk} nobody can be called: it does not say where calls go");
        let help = format!("add dial = \"sip:HOST:5060\" to trunk {trunk} in the configuration");
        findings.error(&rule.action, message, help);
    }
}

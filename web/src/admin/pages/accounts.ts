// Accounts: who may sign in, and as what.

import { button, el, field } from "../../view/dom";
import type { Context, Page } from "../context";
import { fill } from "../plan/words";
import type { Role } from "../session";
import { badge, confirm, dialog, labelled, loading, moment, problemBox, table } from "../view";
import { ROLES, WORDS } from "../words";
import { PAGE_WORDS, type PageWords } from "./words";

interface Account {
  name: string;
  role: Role;
  disabled: boolean;
  secondFactor: boolean;
  onceUntil: string | null;
  made: string;
  lastSignIn: string | null;
  oneTimePassword?: string;
}

export function accountsPage(context: Context): Page {
  const { api, language } = context;
  const words = PAGE_WORDS[language];
  const place = el("div", {});
  const problem = el("div", {});
  const run = (): void => void loading(place, language, async () => [rows((await api.get<{ accounts: Account[] }>("/accounts")).accounts)]);
  /** Does something with an account, and shows the list anew. */
  const act = (method: string, path: string, body?: unknown): void => {
    problem.replaceChildren();
    api.ask<Account | undefined>(method, `/accounts/${path}`, body).then((account) => (run(), account?.oneTimePassword ? tell(context, account, words) : context.say(words.done)), (why: unknown) => problem.replaceChildren(problemBox(why)));
  };
  const ask = (account: Account, title: string, text: string, then: () => void): void => confirm(language, `${title}: ${account.name}`, text, title, then);
  const rows = (accounts: Account[]): HTMLElement => table(words.accounts, [
    { name: words.accountName, cell: (one: Account) => el("span", {}, el("strong", {}, one.name), ...(one.disabled ? [" ", badge("warning", words.disabled)] : [])) },
    { name: words.role, cell: (one) => el("div", { class: "kern-form-input__select-wrapper" }, roleChoice(`role-${one.name}`, one.role, fill(words.changeRole, { name: one.name }), context, (role) => act("PATCH", one.name, { role }))) },
    { name: words.secondFactor, cell: (one) => (one.secondFactor ? words.yes : words.no) },
    { name: words.lastSignIn, cell: (one) => (one.lastSignIn ? moment(one.lastSignIn, language) : words.never) },
    { name: WORDS[language].actions, cell: (one) => el("div", { class: "row-buttons" },
      button(one.disabled ? words.enable : words.disable, () => act("PATCH", one.name, { disabled: !one.disabled }), "secondary kern-btn--x-small", { "aria-label": `${one.disabled ? words.enable : words.disable}: ${one.name}` }),
      button(words.reset, () => ask(one, words.reset, words.resetText, () => act("POST", `${one.name}/reset`)), "secondary kern-btn--x-small", { "aria-label": `${words.reset}: ${one.name}` }),
      button(words.delete, () => ask(one, words.delete, words.deleteAccount, () => act("DELETE", one.name)), "secondary kern-btn--x-small", { "aria-label": `${words.delete}: ${one.name}` })) },
  ], accounts);
  run();
  const make = button(words.newAccount, () => newAccount(context, words, run), "primary");
  return { element: el("div", { class: "stack" }, el("div", { class: "title" }, el("h1", { class: "kern-heading-large", tabindex: "-1" }, words.accounts), make), problem, place) };
}

function roleChoice(id: string, role: Role, label: string, context: Context, choose: (role: Role) => void): HTMLSelectElement {
  const select = el("select", { id, class: "kern-form-input__select", "aria-label": label, change: () => choose(select.value as Role) }, ...Object.entries(ROLES[context.language]).map(([value, name]) => el("option", { value }, name)));
  select.value = role;
  return select;
}

function newAccount(context: Context, words: PageWords, again: () => void): void {
  const problem = el("div", {});
  const name = el("input", { type: "text", autocapitalize: "none", autocomplete: "off", spellcheck: "false" });
  const input = field("account-name", words.accountName, words.accountHint, name);
  let role: Role = "viewer";
  const choice = roleChoice("account-role", role, words.role, context, (chosen) => (role = chosen));
  const create = (close: () => void): void => {
    if (!/^[a-z0-9][a-z0-9_-]{0,63}$/.test(name.value.trim())) return input.complain(words.accountHint);
    context.api.post<Account>("/accounts", { name: name.value.trim(), role }).then((made) => (close(), again(), tell(context, made, words)), (why: unknown) => problem.replaceChildren(problemBox(why)));
  };
  dialog(words.newAccount, [problem, input.box, labelled("account-role", words.role, choice)], (close) => [button(WORDS[context.language].cancel, close), button(words.create, () => create(close), "primary")]);
  name.focus();
}

/** A one-time password is shown once. */
function tell(context: Context, account: Account, words: PageWords): void {
  const common = WORDS[context.language];
  const password = account.oneTimePassword ?? "";
  dialog(`${words.oneTime}: ${account.name}`, [el("p", { class: "kern-body" }, fill(words.oneTimeText, { name: account.name })), el("p", {}, el("code", { class: "key" }, password))],
    (close) => [button(common.copy, () => void navigator.clipboard.writeText(password).then(() => context.say(common.copied))), button(common.close, close, "primary")]);
}

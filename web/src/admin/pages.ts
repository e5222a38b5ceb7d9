// The pages by their addresses below /admin.

import type { Context, Page } from "./context";
import { accountsPage } from "./pages/accounts";
import { auditPage } from "./pages/audit";
import { callsPage } from "./pages/calls";
import { federationPage } from "./pages/federation";
import { livePage } from "./pages/live";
import { meetingsPage } from "./pages/meetings";
import { residencyPage } from "./pages/residency";
import { trunksPage } from "./pages/trunks";
import { dialplanPage } from "./plan/page";

/** `rest` is what stands in the address behind the page's own name. */
export const PAGES: Record<string, (context: Context, rest: string[]) => Page> = {
  dialplan: dialplanPage,
  live: livePage,
  calls: callsPage,
  meetings: meetingsPage,
  trunks: trunksPage,
  federation: federationPage,
  residency: residencyPage,
  audit: auditPage,
  accounts: accountsPage,
};

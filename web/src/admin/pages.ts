// The pages by their addresses below /admin.

import type { Context, Page } from "./context";
import { dialplanPage } from "./plan/page";

/** `rest` is what stands in the address behind the page's own name. */
export const PAGES: Record<string, (context: Context, rest: string[]) => Page> = {
  dialplan: dialplanPage,
};

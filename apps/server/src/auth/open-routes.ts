/**
 * What needs no credential: what firmware, an agent and a person with a browser ask before they can have one.
 * Everything that is not in this table needs one, routes that do not exist included.
 */
const OPEN_ROUTES: readonly { readonly methods: readonly string[]; readonly path: RegExp }[] = [
  { methods: ['GET', 'HEAD'], path: /^\/pxe-bootstrap\.ipxe$/ },
  { methods: ['GET', 'HEAD'], path: /^\/pxe\/[^/]+$/ },
  { methods: ['POST'], path: /^\/pxe\/[^/]+\/(done|booted)$/ },
  { methods: ['GET', 'HEAD'], path: /^\/boot\/[^/]+$/ },
  { methods: ['GET', 'HEAD'], path: /^\/(healthz|readyz|version|openapi\.json)$/ },
  { methods: ['POST'], path: /^\/auth\/login$/ },
  { methods: ['GET', 'HEAD'], path: /^\/docs(\/[^/]*)?$/ },
];

/** What says which images there are, and their bytes: open, unless `BTY_IMAGE_READ` closes it. */
const IMAGE_ROUTES: typeof OPEN_ROUTES = [
  { methods: ['GET', 'HEAD'], path: /^\/images(\/[^/]+(\/info)?)?$/ },
  { methods: ['GET', 'HEAD'], path: /^\/(maps|packs)\/[^/]+$/ },
];

/** What agents ask for beside their socket, with the session that it opened; of no use to anybody else. */
const AGENT_ROUTES: typeof OPEN_ROUTES = [
  { methods: ['GET', 'HEAD'], path: /^\/flash-jobs\/[^/]+\/workflow$/ },
  { methods: ['PUT'], path: /^\/flash-jobs\/[^/]+\/report$/ },
];

function isListed(routes: typeof OPEN_ROUTES, method: string, path: string): boolean {
  return routes.some((route) => route.methods.includes(method) && route.path.test(path));
}

/** Whether a request may pass without a credential. `path` is as it came, without the query. */
export function isOpenRoute(method: string, path: string): boolean {
  return isListed(OPEN_ROUTES, method, path);
}

/** Whether a request reads of images: with the credential of anybody, agents included, where it needs one. */
export function isImageRoute(method: string, path: string): boolean {
  return isListed(IMAGE_ROUTES, method, path);
}

/** Whether a request needs an agent's session in place of a token or a login. */
export function isAgentRoute(method: string, path: string): boolean {
  return isListed(AGENT_ROUTES, method, path);
}

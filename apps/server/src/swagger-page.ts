import type { OpenAPIObject } from '@nestjs/swagger';

type Operation = NonNullable<OpenAPIObject['paths'][string]['get']>;

const METHODS = ['get', 'put', 'post', 'patch', 'delete', 'head'] as const;

/** The page sends a token only where the document wants one; these may want one, too (`BTY_IMAGE_READ`). */
const OPTIONAL_SECURITY = [{}, { bearer: [] }];

/** The line of a closed route has room for a sentence, and shows Markdown as it is written; what follows is in the open one. */
function shortenSummary(operation: Operation): void {
  const [, first = '', rest = ''] = /^(.+?\.)(?:\s+(?=[A-Z`])(.*))?$/s.exec(operation.summary ?? '') ?? [];
  operation.summary = first.replaceAll('`', '');
  operation.description = [rest, operation.description].filter(Boolean).join('\n\n');
}

/** The page fills in every example, and a list that nobody has narrowed down would come back empty. */
function emptyFilters(operation: Operation): void {
  for (const parameter of operation.parameters ?? []) {
    if (!('in' in parameter) || parameter.in !== 'query' || parameter.required === true) continue;
    const { schema } = parameter;
    delete parameter.example;
    if (schema !== undefined && 'example' in schema) delete schema.example;
  }
}

/** The document as Swagger UI shows it best. */
export function pageDocument(document: OpenAPIObject): OpenAPIObject {
  const page = structuredClone(document);
  for (const [path, item] of Object.entries(page.paths)) {
    for (const method of METHODS) {
      const operation = item[method];
      if (operation === undefined) continue;
      shortenSummary(operation);
      emptyFilters(operation);
      if (/^\/(images|maps|packs)(\/|$)/.test(path)) operation.security ??= OPTIONAL_SECURITY;
    }
  }
  return page;
}

/** What Swagger UI knows of a request that it is about to send. */
interface PageRequest {
  readonly method?: string;
  readonly headers: Record<string, string>;
}

/**
 * Runs in the browser, within Swagger UI: a change by the cookie of a login needs its CSRF token. It is sent to the page as
 * text, so it must not use anything from around it.
 */
export async function addCsrfToken(request: PageRequest): Promise<PageRequest> {
  const reads = ['GET', 'HEAD'].includes((request.method ?? 'GET').toUpperCase());
  if (reads || request.headers['Authorization'] !== undefined) return request;
  const me = await fetch('/auth/me');
  if (!me.ok) return request;
  const { csrf_token: token } = (await me.json()) as { csrf_token: string | null };
  if (token !== null) request.headers['X-CSRF-Token'] = token;
  return request;
}

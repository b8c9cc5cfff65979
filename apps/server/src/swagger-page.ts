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

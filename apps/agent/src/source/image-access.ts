import { BtyError } from '@bty/wire-types';

/** How images at URLs are read, from servers that let only those read them who show a credential as well. */
export interface ImageAccess {
  /** Value of the Authorization header for a request to this URL. */
  authorization(url: string): string | undefined;
  /** What a person does about a server, by its origin, that wants another credential: sentences. */
  advice(origin: string): string;
}

/** For what is read without a server, and for servers that need no credential. */
export const NO_ACCESS: ImageAccess = { authorization: () => undefined, advice: () => '' };

/** A credential that its own server is shown, and nobody else: redirects and links may lead anywhere. */
export function onlyAt(server: string, token: () => string | undefined): ImageAccess['authorization'] {
  const { origin } = new URL(server);
  return (url) => {
    const known = new URL(url).origin === origin ? token() : undefined;
    return known === undefined ? undefined : `Bearer ${known}`;
  };
}

/** What is shown to the server of a URL. */
export function headersFor(url: string, { authorization }: ImageAccess): { authorization?: string } {
  const known = authorization(url);
  return known === undefined ? {} : { authorization: known };
}

/** What is thrown for an answer that wants a credential, or another one; undefined for every other answer. */
export function accessRefusal(url: string, status: number, access: ImageAccess): BtyError | undefined {
  if (status !== 401 && status !== 403) return undefined;
  const { origin, protocol } = new URL(url);
  const shown = access.authorization(url) !== undefined;
  const what = shown ? 'does not take the credential that it was shown' : 'shows images only to who proves himself';
  const overHttps =
    status === 403 && protocol === 'http:' ? ' It may take credentials over https only: give that address.' : '';
  const message = `${origin} ${what} (${status}).${overHttps} ${access.advice(origin)}`;
  return new BtyError('UNAUTHENTICATED', message, { details: { url, status } });
}

import type { Request, Response } from 'express';

const NAME = 'bty_session';
const BEARER = /^Bearer ([\x21-\x7e]{1,256})$/i;
const COOKIE = new RegExp(`(?:^|;)[ \\t]*${NAME}=([\\x21-\\x3a\\x3c-\\x7e]{1,256})[ \\t]*(?:;|$)`);

/** The credential of an `Authorization: Bearer` header. */
export function bearerOf(header: string | undefined): string | undefined {
  return BEARER.exec(header ?? '')?.[1];
}

/** The credential of the cookie that a login sets. */
export function sessionCookieOf(header: string | undefined): string | undefined {
  return COOKIE.exec(header ?? '')?.[1];
}

/** Sets the cookie of a login: no script reads it, no other site sends it. Undefined takes it back. */
export function setSessionCookie(
  request: Request,
  response: Response,
  session: { token: string; expiresAt: Date } | undefined,
): void {
  response.cookie(NAME, session?.token ?? '', {
    path: '/',
    httpOnly: true,
    sameSite: 'strict',
    secure: request.secure,
    expires: session?.expiresAt ?? new Date(0),
  });
}

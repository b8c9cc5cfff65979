import type { Request } from 'express';

/** Address of the other end; an IPv4 address that came in over an IPv6 socket is written as IPv4. */
export function remoteAddress(socket: { remoteAddress?: string | undefined }): string {
  return (socket.remoteAddress ?? 'unknown').replace(/^::ffff:/, '');
}

/** Who changes something, and from where, as the audit log keeps it. */
export interface Actor {
  /** For instance `token:admin`, `agent:52:54:00:00:00:01`, `pxe`, `server`. */
  readonly name: string;
  readonly ip?: string | undefined;
}

const actors = new WeakMap<Request, Actor>();

/** Remembers whom the token of a request belongs to. */
export function setActor(request: Request, actor: Actor): void {
  actors.set(request, actor);
}

/** Who makes a request: the holder of its token, or `anonymous` on the routes that are open. */
export function actorOf(request: Request): Actor {
  return actors.get(request) ?? { name: 'anonymous', ip: remoteAddress(request.socket) };
}

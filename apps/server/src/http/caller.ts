import type { IncomingMessage } from 'node:http';
import { BtyError, type MacAddress } from '@bty/wire-types';
import type { Request } from 'express';
import proxyAddr from 'proxy-addr';
import type { Role } from './role.js';

/** An address as records and logs show it: an IPv4 address that came in over an IPv6 socket is written as IPv4. */
function plainAddress(address: string | undefined): string {
  return (address ?? 'unknown').replace(/^::ffff:/, '');
}

/** Where a request comes from: the other end, or what a trusted proxy says of it. */
export function addressOf(request: Request): string {
  return plainAddress(request.ip);
}

/** As {@link addressOf} for what Express has not seen, such as the upgrade to a WebSocket. */
export function forwardedAddress(request: IncomingMessage, trustedProxies: readonly string[]): string {
  return plainAddress(proxyAddr(request, [...trustedProxies]));
}

/** Who changes something, and from where, as the audit log keeps it. */
export interface Actor {
  /** For instance `user:anna`, `token:admin`, `agent:52:54:00:00:00:01`, `pxe`, `server`. */
  readonly name: string;
  readonly ip?: string | undefined;
}

/** Who has shown a valid credential. */
export interface Caller {
  readonly actor: Actor;
  readonly role: Role;
  /** Sees and touches only the machines with this tag. */
  readonly pool?: string | undefined;
  /** What the credential is: an API token, or a user's session. */
  readonly credential: { readonly kind: 'token' | 'session'; readonly id: string; readonly userId?: string };
}

const callers = new WeakMap<Request, Caller>();

/** Remembers whose credential a request has shown. */
export function setCaller(request: Request, caller: Caller): void {
  callers.set(request, caller);
}

/** Whose credential a request has shown. Throws UNAUTHENTICATED when it has shown none, as on the routes that are open. */
export function requiredCaller(request: Request): Caller {
  const caller = callers.get(request);
  if (caller === undefined) throw new BtyError('UNAUTHENTICATED', 'this route needs a credential');
  return caller;
}

/** Who makes a request: the holder of its credential, or `anonymous` on the routes that are open. */
export function actorOf(request: Request): Actor {
  return callers.get(request)?.actor ?? { name: 'anonymous', ip: addressOf(request) };
}

/** The tag that machines must have for this caller to see them; undefined: all. */
export function poolOf(request: Request): string | undefined {
  return callers.get(request)?.pool;
}

/** The agent that makes a request. */
export interface RequestingAgent {
  readonly mac: MacAddress;
  readonly sessionId: string;
  readonly ip: string;
}

const agents = new WeakMap<Request, RequestingAgent>();

/** Remembers whose session a request came with. */
export function setAgent(request: Request, agent: RequestingAgent): void {
  agents.set(request, agent);
}

/** The agent that makes a request. Throws UNAUTHENTICATED when its session was not shown, as on all routes but the agents' own. */
export function agentOf(request: Request): RequestingAgent {
  const agent = agents.get(request);
  if (agent === undefined) throw new BtyError('UNAUTHENTICATED', "this route needs an agent's session");
  return agent;
}

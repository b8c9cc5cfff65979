import 'reflect-metadata';
import { type ClassConstructor, plainToInstance } from 'class-transformer';
import { type ValidationError, validateSync } from 'class-validator';
import { AGENT_MESSAGES, type AgentMessage } from './agent-messages.js';
import { SERVER_MESSAGES, type ServerMessage } from './server-messages.js';

/** Either a valid message, or a sentence that says what is wrong with the frame and names the field. */
export type ParsedFrame<T> = { message: T; problem?: undefined } | { message?: undefined; problem: string };

function firstProblem(errors: ValidationError[], path = ''): string {
  const error = errors[0];
  if (error === undefined) return 'invalid';
  const field = path === '' ? error.property : `${path}.${error.property}`;
  const reason = Object.values(error.constraints ?? {})[0];
  return reason === undefined ? firstProblem(error.children ?? [], field) : `${field}: ${reason}`;
}

function parseFrame<T extends object>(
  types: Readonly<Record<string, ClassConstructor<T>>>,
  text: string,
): ParsedFrame<T> {
  let plain: unknown;
  try {
    plain = JSON.parse(text);
  } catch {
    return { problem: 'not JSON' };
  }
  if (typeof plain !== 'object' || plain === null || Array.isArray(plain)) return { problem: 'not an object' };
  const type = (plain as { type?: unknown }).type;
  const known = typeof type === 'string' && Object.hasOwn(types, type) ? types[type] : undefined;
  if (known === undefined) return { problem: 'type: unknown message type' };
  const message = plainToInstance(known, plain);
  const errors = validateSync(message, { whitelist: true, forbidNonWhitelisted: true });
  return errors.length > 0 ? { problem: firstProblem(errors) } : { message };
}

/** Reads a text frame that came from an agent. Unknown types and unknown fields are problems. */
export function parseAgentFrame(text: string): ParsedFrame<AgentMessage> {
  return parseFrame<AgentMessage>(AGENT_MESSAGES as Record<string, ClassConstructor<AgentMessage>>, text);
}

/** Reads a text frame that came from the server. */
export function parseServerFrame(text: string): ParsedFrame<ServerMessage> {
  return parseFrame<ServerMessage>(SERVER_MESSAGES as Record<string, ClassConstructor<ServerMessage>>, text);
}

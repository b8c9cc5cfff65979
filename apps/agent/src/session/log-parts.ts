import { PROTOCOL_LIMITS } from '@bty/wire-types';

/**
 * Cuts a log into parts that each fit a frame, at most `maxLogParts` of them; of a longer log the end is kept. What is not plain
 * text is replaced, so that a part never grows in JSON beyond what the server takes.
 */
export function logParts(log: string): string[] {
  const plain = log.replace(/[^\x20-\x7e\n\t]/g, '?');
  const size = PROTOCOL_LIMITS.maxLogPartChars;
  const kept = plain.slice(-PROTOCOL_LIMITS.maxLogParts * size);
  return Array.from({ length: Math.ceil(kept.length / size) }, (_, part) => kept.slice(part * size, (part + 1) * size));
}

import type { BtyError } from '@bty/wire-types';

/** The one document that `--json` prints. */
export function envelope(command: string, content: Record<string, unknown>): string {
  return JSON.stringify({ schema_version: '1', command, ...content });
}

/** A failure in such a document, and in an event. */
export function failureView({ code, message, details }: BtyError): Record<string, unknown> {
  return { code, message, details };
}

import type { FileHandle } from 'node:fs/promises';
import { BtyError } from '@bty/wire-types';
import type { Request, Response } from 'express';
import { sendFile } from '../http/index.js';
import type { ReportFile } from './report-file.js';

/** A report that is asked for, with its archive open. */
export interface OpenReport {
  readonly id: string;
  /** For a person who saves it: `run`, `flash-job`. */
  readonly kind: string;
  readonly files: readonly ReportFile[];
  readonly modifiedAt: Date;
  open(): Promise<FileHandle>;
}

// What is in a report a stranger has written. A browser may keep it, but must not run it as a page of this site.
const HARMLESS = {
  'Content-Security-Policy':
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'",
  'Cross-Origin-Resource-Policy': 'same-origin',
} as const;

/** Keeps a browser from running what a stranger has written. */
export function makeHarmless(response: Response): void {
  for (const [header, value] of Object.entries(HARMLESS)) response.setHeader(header, value);
}

function attach(response: Response, name: string): void {
  makeHarmless(response);
  // RFC 8187; the plain name is for clients that do not know it.
  const plain = name.replace(/[^A-Za-z0-9._-]/g, '_');
  response.setHeader(
    'Content-Disposition',
    `attachment; filename="${plain}"; filename*=UTF-8''${encodeURIComponent(name)}`,
  );
}

/** Answers with the whole archive. */
export async function sendArchive(request: Request, response: Response, report: OpenReport): Promise<void> {
  const { id, kind, modifiedAt } = report;
  const handle = await report.open();
  const { size: sizeBytes } = await handle.stat();
  attach(response, `${kind}-${id}.tar`);
  const etag = `"${id}-${modifiedAt.getTime().toString(36)}"`;
  await sendFile(request, response, { handle, sizeBytes, modifiedAt, etag });
}

/** Answers with one file. Throws NOT_FOUND. */
export async function sendReportFile(
  request: Request,
  response: Response,
  report: OpenReport,
  path: string | readonly string[],
): Promise<void> {
  const { id, kind, modifiedAt } = report;
  const name = [path].flat().join('/');
  const file = report.files.find((entry) => entry.path === name);
  if (file === undefined) {
    const shown = JSON.stringify(name.slice(0, 255));
    throw new BtyError('NOT_FOUND', `the report of ${kind} ${id} has no file ${shown}`);
  }
  attach(response, name.split('/').at(-1) ?? name);
  const { offsetBytes, sizeBytes } = file;
  const etag = `"${id}-${modifiedAt.getTime().toString(36)}-${offsetBytes.toString(36)}"`;
  await sendFile(request, response, { handle: await report.open(), offsetBytes, sizeBytes, modifiedAt, etag });
}

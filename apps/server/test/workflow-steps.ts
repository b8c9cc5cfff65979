import { type ArchiveFile, writeArchive } from '@bty/archive';
import { expect } from 'vitest';
import type { Answer } from './server-under-test.js';
import type { TestServer } from './test-server.js';

/** Files of an archive by their paths. */
export function filesOf(texts: Record<string, string>): ArchiveFile[] {
  return Object.entries(texts).map(([path, text]) => ({ path, content: Buffer.from(text), executable: false }));
}

/** Puts a workflow of these files. */
export async function putFiles(server: TestServer, name: string, texts: Record<string, string>): Promise<Answer> {
  const headers = { 'Content-Type': 'application/x-tar' };
  return server.put(`/workflows/${name}`, writeArchive(filesOf(texts)).bytes, headers);
}

/** Puts a workflow that runs commands, and returns its digest. */
export async function putWorkflow(
  server: TestServer,
  name: string,
  commands: string,
  more: Record<string, string> = {},
) {
  const steps = `doc: ${name}\nsteps:\n- name: commands\n  run: |\n${commands.replace(/^/gm, '    ')}\n`;
  const answer = await putFiles(server, name, { 'cijoe-task.yaml': steps, ...more });
  expect(answer.status, answer.text).toBe(201);
  return answer.json.digest as string;
}

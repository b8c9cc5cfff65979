import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PlacedWorkflow } from '../src/provision/cijoe/workflow-provisioner.js';

/** The folder of the cijoe that `script/test` has installed. */
export const CIJOE_BIN = join(import.meta.dirname, '../../../dist/cijoe/bin');

/** What a workflow sees. */
export const ENVIRONMENT = { PATH: `${CIJOE_BIN}:${process.env['PATH']}`, HOME: '/root', LANG: 'C.UTF-8' };

/** A workflow of steps that run commands, by the names of the steps. */
export function steps(commands: Readonly<Record<string, string>>): string {
  const texts = Object.entries(commands).map(
    ([name, lines]) => `- name: ${name}\n  run: |\n${lines.replace(/^/gm, '    ')}\n`,
  );
  return `doc: test\nsteps:\n${texts.join('')}`;
}

/** Lays a workflow out below a folder. */
export function place(
  folder: string,
  commands: Readonly<Record<string, string>>,
  timeLimitSeconds?: number,
): PlacedWorkflow {
  const own = mkdtempSync(join(folder, 'flow-'));
  const cwd = join(own, 'workflow');
  mkdirSync(cwd);
  writeFileSync(join(cwd, 'cijoe-task.yaml'), steps(commands));
  const config = join(own, 'bty.toml');
  writeFileSync(config, '[bty]\nhostname = "node-1"\n');
  return { cwd, mainFile: 'cijoe-task.yaml', config, output: join(own, 'output'), timeLimitSeconds, env: ENVIRONMENT };
}

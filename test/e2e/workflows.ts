/** Workflows of stories. */
import type { Lab } from '../lab/lab.ts';
import { eventually } from '../lab/process.ts';

/** Puts a workflow of steps that run commands, by the names of the steps; it is checked and can be run then. */
export async function putWorkflow(lab: Lab, name: string, steps: Readonly<Record<string, string>>): Promise<void> {
  const texts = Object.entries(steps).map(
    ([step, lines]) => `- name: ${step}\n  run: |\n${lines.replace(/^/gm, '    ')}\n`,
  );
  const yaml = `doc: ${name}\nsteps:\n${texts.join('')}`;
  // On a busy host the server answers before its worker has looked; the same workflow again asks how far that is.
  await eventually(`the workflow ${name} is checked`, 180_000, async () => {
    const { state } = await lab.api.putWorkflow(name, yaml);
    return state === 'ready';
  });
}

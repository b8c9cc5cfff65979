/** Workflows of stories. */
import type { Lab } from '../lab/lab.ts';

/** Puts a workflow of steps that run commands, by the names of the steps; it is checked and can be run then. */
export async function putWorkflow(lab: Lab, name: string, steps: Readonly<Record<string, string>>): Promise<void> {
  const texts = Object.entries(steps).map(
    ([step, lines]) => `- name: ${step}\n  run: |\n${lines.replace(/^/gm, '    ')}\n`,
  );
  const yaml = `doc: ${name}\nsteps:\n${texts.join('')}`;
  await lab.api.putWorkflow(name, yaml);
}

import type { GuestShell } from '../lab/guest-shell.ts';
import { CHANGE, CHANGED, named, UNDO } from '../lab/hand-change.ts';
import { checked, type Stage } from './act.ts';

/** Changes the machine by hand, lets the server name what is different, and undoes it. */
export async function showDrift({ lab, machine, view, mark }: Stage, shell: GuestShell): Promise<string[]> {
  const expect = async (what: string, names: readonly string[]): Promise<string> => {
    const found = await lab.api.drift(machine.mac);
    view.note(found.text.trimEnd());
    mark(`drift check: ${what}`, Date.now());
    return checked(`drift, ${what}`, named(found).join(', ') || 'none', names.join(', ') || 'none');
  };
  const before = await expect('nothing was changed', []);
  view.note('changing a file of a package, a service and a file below /etc by hand');
  await shell.run(CHANGE);
  const changed = await expect('three things were changed by hand', CHANGED);
  await shell.run(UNDO);
  return [before, changed, await expect('they were put back', [])];
}

import type { Run } from '../lab/api.ts';
import { type AdminKey, GuestShell } from '../lab/guest-shell.ts';
import { ACCOUNT, LAB_WORKFLOW } from '../lab/lab-account.ts';
import { followRun, newRun, worstLatencyMs } from '../lab/online-run.ts';
import { type Act, checked, type Shown, type Stage } from './act.ts';
import { labFields, lookAround } from './cloud-init.ts';
import { showDrift } from './drift.ts';

const seconds = (ms: number): number => Math.round(ms / 10) / 100;

function markRun(run: Run, mark: Stage['mark']): void {
  const meaning: Record<string, string> = {
    queued: 'run queued: a worker waits for the new OS',
    running: 'the new OS has answered over SSH and proved to be it: the workflow begins',
    succeeded: 'workflow succeeded; the known-good baseline is recorded',
  };
  for (const { at, state } of run.history) if (meaning[state]) mark(meaning[state], Date.parse(at));
}

async function followTheRun(
  { lab, machine, view, mark }: Stage,
  key: AdminKey,
): Promise<Shown & { shell: GuestShell }> {
  const { id } = await newRun(lab, machine.mac);
  const { run, stamps, workflowSeconds } = await followRun(lab, id, (line) => view.note(`  | ${line}`));
  if (run.state !== 'succeeded') throw new Error(`the run ${run.state}: ${run.error?.message ?? 'no reason given'}`);
  markRun(run, mark);
  const shell = new GuestShell(lab.network, key.file, ACCOUNT, String(run.address));
  const { aheadMs, errorMs } = await shell.clock();
  const facts = (await lab.api.baseline(machine.mac)).facts;
  const packages = (await shell.run('dpkg-query -W | wc -l')).trim();
  const checks = [
    ...(await lookAround(shell)),
    checked(
      'packages in the baseline and on the machine',
      String(Object.keys(facts['packages'] ?? {}).length),
      packages,
    ),
  ];
  const figures = {
    'workflow begun to baseline recorded': seconds(
      Date.parse(String(run.finished_at)) - Date.parse(String(run.started_at)),
    ),
    'of which the workflow': workflowSeconds,
    'slowest line of the log, printed on the machine to shown here': seconds(worstLatencyMs(stamps, aheadMs)),
    'which is right to within': seconds(errorMs),
  };
  return { checks, figures, shell };
}

/** A workflow runs over SSH in the new OS, and what it leaves is the baseline; `drift`: then the machine is changed. */
export function cijoeOnline({ drift }: { drift: boolean }): Act {
  let key: AdminKey;
  return {
    prepare: async ({ lab }: Stage) => {
      const made = labFields(lab);
      key = made.key;
      await lab.api.putWorkflow('ready', LAB_WORKFLOW);
      const online = { provisioning_mode: 'cijoe-online', cijoe_workflow_ref: 'ready', ssh_user: ACCOUNT };
      return { ...made.fields, ...online };
    },
    follow: async (stage: Stage) => {
      const { shell, checks, figures } = await followTheRun(stage, key);
      const more = drift ? await showDrift(stage, shell) : [];
      return { checks: [...checks, ...more], figures };
    },
  };
}

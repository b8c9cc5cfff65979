import { type Act, checked, type Stage } from './act.ts';

const WORKFLOW = `doc: Edits the flashed system before its first boot
steps:
- name: greet
  run: |
    echo "made ready by cijoe for {{ config.bty.hostname }}" >> $BTY_ROOTFS/etc/issue
- name: look
  run: |
    cat $BTY_ROOTFS/etc/os-release
`;
const GREETING = /made ready by cijoe for \S+/;

/** A workflow edits the flashed file systems before the first boot; the new OS shows the edit above its login. */
export function cijoe(): Act {
  return {
    prepare: async ({ lab }: Stage) => {
      await lab.api.putWorkflow('greet', WORKFLOW);
      return { provisioning_mode: 'cijoe', cijoe_workflow_ref: 'greet' };
    },
    follow: async ({ lab, machine, mark }: Stage) => {
      const [job] = await lab.api.flashJobs(machine.mac);
      const state = await lab.api.text(`/flash-jobs/${job?.id}/report/task.state`);
      const steps = [...state.matchAll(/^\s*-?\s*name: (\w+)$/gm)].map(([, name]) => name);
      const [greeting = ''] = await machine.shows(GREETING, 480_000);
      mark('the new OS shows what the workflow has edited', Date.now());
      return {
        checks: [
          checked('steps in the report of the flash job', steps.join(', '), 'greet, look'),
          checked('above the login', greeting, 'made ready by cijoe for demo'),
        ],
        figures: {},
      };
    },
  };
}

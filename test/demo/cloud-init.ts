import { type AdminKey, GuestShell, newAdminKey } from '../lab/guest-shell.ts';
import type { Lab } from '../lab/lab.ts';
import { ACCOUNT, labUserData, NOTE } from '../lab/lab-account.ts';
import { eventually } from '../lab/process.ts';
import { type Act, checked, type Stage } from './act.ts';

const TEXT = 'placed by cloud-init on {{hostname}}';

/** The record's fields for cloud-init, and the key that its account takes. */
export function labFields(lab: Lab): { key: AdminKey; fields: { user_data: string } } {
  const key = newAdminKey(lab.workDir);
  return { key, fields: { user_data: labUserData(key.publicKey, TEXT) } };
}

/** What cloud-init has made of the machine, as its admin sees it over SSH. */
export async function lookAround(shell: GuestShell): Promise<string[]> {
  const seen = await shell.run(`hostname; id -un; sudo -n id -un; cat ${NOTE}`);
  const [hostname = '', account = '', admin = '', note = ''] = seen.split('\n');
  return [
    checked('host name', hostname, 'demo'),
    checked('account that the key lets in', account, ACCOUNT),
    checked('whom sudo makes of it', admin, 'root'),
    checked(NOTE, note, TEXT.replace('{{hostname}}', 'demo')),
  ];
}

/** The machine is configured by cloud-init at its first boot. */
export function cloudInit(): Act {
  let key: AdminKey;
  return {
    prepare: async ({ lab }: Stage) => {
      const made = labFields(lab);
      key = made.key;
      return { provisioning_mode: 'cloud-init', ...made.fields };
    },
    follow: async ({ lab, machine, view, mark }: Stage) => {
      const { booted_at, booted_ip } = await eventually('cloud-init reports the first boot', 480_000, async () => {
        const record = await lab.api.machine(machine.mac);
        return record.booted_at !== null && record;
      });
      mark('cloud-init is done, and has told the server so', Date.parse(String(booted_at)));
      view.note(`cloud-init is done; logging in to ${booted_ip} with the key that it was given`);
      const checks = await lookAround(new GuestShell(lab.network, key.file, ACCOUNT, String(booted_ip)));
      return { checks, figures: {} };
    },
  };
}

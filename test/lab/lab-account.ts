/** The account that the lab's cloud-init data makes on a machine: its admin and bty's server get in, by key alone. */

export const ACCOUNT = 'lab';
export const NOTE = '/etc/lab/note';
export const SERVICE = 'lab-job.service';

/** User-data with the account, a file, and a service that is there but not enabled. */
export function labUserData(adminKey: string, note: string): string {
  return `#cloud-config
manage_etc_hosts: true
users:
  - name: ${ACCOUNT}
    shell: /bin/bash
    sudo: "ALL=(ALL) NOPASSWD:ALL"
    ssh_authorized_keys: ["${adminKey}", "{{ssh_public_key}}"]
write_files:
  - path: ${NOTE}
    content: "${note}\\n"
  - path: /etc/systemd/system/${SERVICE}
    content: |
      [Unit]
      Description=Says that the lab's jobs may come
      [Service]
      Type=oneshot
      ExecStart=true
      [Install]
      WantedBy=multi-user.target
`;
}

/** Enables the service, leaves a mark, and tells the machine's time so that the log's way can be measured. */
export const LAB_WORKFLOW = `doc: Makes a flashed machine ready for the lab's jobs
steps:
- name: look
  run: |
    hostname
    cat ${NOTE}
- name: enable
  run: |
    sudo systemctl --quiet enable ${SERVICE}
    echo ready | sudo tee /etc/lab/state
- name: clock
  run: |
    date +%s%3N; sleep 1; date +%s%3N; sleep 1; date +%s%3N
`;

/** A server with ten thousand machines, the way a lab leaves it: inventories, tags, finished flashes, events. */
import { readFileSync } from 'node:fs';
import pg from 'pg';
import { embeddedTarget } from '../../../apps/server/src/db/embedded-postgres.ts';
import { ServerProcess } from '../../../apps/server/test/server-process.ts';
import { eventually } from '../../lab/process.ts';

export const MACHINES = 10_000;
const FLASHES = 20_000;
/** Of the times in /proc: 100 a second on every Linux. */
const TICK_MS = 10;
const IMAGE = 'bench.img';
/** Policy `flash` for half of them, so that half of the PXE scripts start the live env. */
const FLASH_EVERY = 2;

const INVENTORY = {
  disks: ['/dev/nvme0n1', '/dev/sda', '/dev/sdb'].map((path) => ({
    path,
    size_bytes: 512e9,
    logical_sector_bytes: 512,
    model: 'Example Disk 970 EVO Plus 500GB',
    serial: `S5H9NS0N98670${path.length}`,
    wwn: '0x5002538e40a1b2c3',
    by_id: [`nvme-Example_Disk_970_EVO_Plus_500GB_S5H9NS0N98670${path.length}`],
    transport: 'nvme',
    removable: false,
    read_only: false,
    in_use: [],
  })),
  nics: [{ name: 'eth0', mac: '02:00:00:00:00:00', link: true }],
  firmware: 'uefi',
  ram_bytes: 64e9,
  cpu_count: 16,
};

/** MAC address of the machine with this number, from 0. */
export function macOf(index: number): string {
  const digits = (index % MACHINES).toString(16).padStart(8, '0');
  return `02:00:${digits.match(/../g)?.join(':')}`;
}

const MAC_SQL = `'02:00:' || regexp_replace(lpad(to_hex(n), 8, '0'), '(..)(..)(..)(..)', '\\1:\\2:\\3:\\4')`;

/** A server process with its fleet. */
export class Fleet {
  private constructor(
    readonly server: ServerProcess,
    readonly flashJobs: readonly string[],
  ) {}

  /** Starts the built server on its embedded Postgres, and fills that. */
  static async start(settings: Record<string, string>): Promise<Fleet> {
    const server = await ServerProcess.start(ServerProcess.newStateDir(), [], settings);
    const put = await server.put(`/images/${IMAGE}`, Buffer.alloc(1024 * 1024, 7));
    if (put.status !== 201) throw new Error(`the image was refused with ${put.status}: ${put.text}`);
    await eventually('the image is ready', 30_000, async () => {
      return (await server.ask(`/images/${IMAGE}/info`)).json.state === 'ready';
    });
    return new Fleet(server, await fill(server));
  }

  /** Processor time that the server itself has taken so far, without its Postgres, in milliseconds. */
  busyMs(): number {
    const stat = readFileSync(`/proc/${this.server.pid}/stat`, 'latin1');
    const [user, system] = stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .slice(11, 13);
    return (Number(user) + Number(system)) * TICK_MS;
  }

  async stop(): Promise<void> {
    await this.server.end('SIGTERM');
    ServerProcess.discard(this.server.stateDir);
  }
}

async function fill(server: ServerProcess): Promise<string[]> {
  const { socketDir, user, database } = embeddedTarget(server.stateDir);
  const client = new pg.Client({ host: socketDir, user, database });
  await client.connect();
  try {
    await client.query(
      `INSERT INTO machines (mac, boot_policy, provisioning_mode, image, hostname, tags, discovered_at, last_seen_at,
         last_seen_ip, inventory, inventory_at)
       SELECT ${MAC_SQL}, CASE WHEN n % ${FLASH_EVERY} = 0 THEN 'flash' ELSE 'local' END, 'none', '${IMAGE}', 'box-' || n,
         ARRAY['rack-' || n % 100, 'bench'], now(), now(), '10.0.0.1', $1::jsonb, now()
       FROM generate_series(0, ${MACHINES - 1}) AS n`,
      [JSON.stringify(INVENTORY)],
    );
    await client.query(
      `INSERT INTO flash_jobs (id, mac, state, version, epoch, image_name, image_sha256, content_size_bytes, verify,
         provisioning_mode, requested_by, history, created_at, dispatched_at, finished_at)
       SELECT gen_random_uuid(), mac, 'succeeded', 9, 1, '${IMAGE}', (SELECT sha256 FROM images LIMIT 1), 1048576, 'full',
         'none', 'token:admin', '[{"at":"2026-01-01T00:00:00Z","state":"queued","epoch":0}]',
         at, at, at + interval '40 s'
       FROM (SELECT ${MAC_SQL} AS mac, now() - make_interval(mins => n) AS at
             FROM (SELECT i % ${MACHINES} AS n FROM generate_series(0, ${FLASHES - 1}) AS i) AS numbers) AS flashes`,
    );
    await client.query(
      `INSERT INTO events (subject, action, actor, after) SELECT 'machine/' || mac, 'machine.created', 'token:admin',
         '{"boot_policy":"flash"}' FROM machines`,
    );
    await client.query('ANALYZE');
    const { rows } = await client.query<{ id: string }>('SELECT id FROM flash_jobs ORDER BY id LIMIT 1000');
    return rows.map(({ id }) => id);
  } finally {
    await client.end();
  }
}

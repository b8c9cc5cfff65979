import type { ArchiveFile } from '@bty/archive';
import { cijoeCommand, cijoeReportCommand } from '@bty/cijoe';
import { BtyError } from '@bty/wire-types';
import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../config/index.js';
import { newSshKeyPair, type SshKeyPair } from '../provisioning/index.js';
import { RELAY_PORT, Sandbox, type SandboxOutcome } from '../sandbox/index.js';
import { type FoundSystem, SshClient, type SshTarget, sshRelay } from '../ssh/index.js';
import { below, mainFileOf, ownConfig, runConfig, WorkflowStore } from '../workflows/index.js';
import type { RunEntity } from './run.entity.js';
import { letInScript, runKeyComment, SHUT_OUT_SCRIPT } from './run-key.js';
import type { RunLog } from './run-log.js';

const KEY_TIME_LIMIT_MS = 20_000;
const KEY_OUTPUT_BYTES = 64 * 1024;
const OUTPUT = 'output';
const OUTPUT_FOLDER = `/job/${OUTPUT}`;
const AS_USER = { as: 'user', timeLimitMs: KEY_TIME_LIMIT_MS, maxOutputBytes: KEY_OUTPUT_BYTES } as const;

function textFile(path: string, text: string): ArchiveFile {
  return { path, content: Buffer.from(text), executable: false };
}

/** What runs of a workflow work with. */
export interface RunSurroundings {
  readonly run: RunEntity;
  readonly system: FoundSystem;
  readonly log: RunLog;
}

/** Carries out a workflow against a system that was found and proved. */
@Injectable()
export class WorkflowRunner {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly store: WorkflowStore,
    private readonly sandbox: Sandbox,
    private readonly ssh: SshClient,
  ) {}

  /**
   * Lets a key of this run alone into the system, runs cijoe in a sandbox whose only way out is this system's SSH, and takes
   * the key away again. Throws SANDBOX_UNAVAILABLE, UNAVAILABLE (files gone), SSH_UNREACHABLE.
   */
  async carryOut(around: RunSurroundings, signal: AbortSignal): Promise<SandboxOutcome> {
    const { run, system, log } = around;
    const files = await this.store.files(run.workflowDigest);
    const main = mainFileOf(files);
    if ('problem' in main) throw new BtyError('WORKFLOW_INVALID', main.problem);
    const key = newSshKeyPair(runKeyComment(run.id));
    await this.letIn(system, key, signal);
    try {
      const config = this.configFor(around, files);
      return await this.sandbox.run(
        {
          files: [...below('workflow', files), textFile('bty.toml', config), textFile('key', key.privateKey)],
          cwd: 'workflow',
          argv: cijoeCommand({ mainFile: main.path, config: '/job/bty.toml', output: OUTPUT_FOLDER }),
          afterStop: cijoeReportCommand(OUTPUT_FOLDER),
          output: OUTPUT,
          timeLimitMs: this.config.runTimeoutSeconds * 1000,
          onOutput: (part) => log.add(part),
          onConnection: sshRelay(system.address, system.hostKeys, (reason) =>
            log.say(`a connection was cut off: ${reason}`),
          ),
        },
        signal,
      );
    } finally {
      await this.shutOut(system, log);
    }
  }

  private configFor({ run, system }: RunSurroundings, files: readonly ArchiveFile[]): string {
    const facts = {
      mac: run.mac,
      run_id: run.id,
      hostname: system.hostname ?? undefined,
      image: run.imageName ?? undefined,
      image_sha256: run.imageSha256 ?? undefined,
    };
    const transport = { hostname: '127.0.0.1', port: RELAY_PORT, username: system.user, key_filename: '/job/key' };
    return runConfig(ownConfig(files), facts, transport);
  }

  private async letIn(system: SshTarget, key: SshKeyPair, signal: AbortSignal): Promise<void> {
    const refused = (why: string) =>
      new BtyError('SSH_UNREACHABLE', `${system.address} cannot be given a key for this run: ${why}`);
    const added = await this.ssh.run(system, { ...AS_USER, script: letInScript(key.publicKey) }, signal);
    if (added.exitCode !== 0) throw refused(added.stderr.trim().slice(-300));
    const own = { ...system, privateKey: key.privateKey };
    await this.ssh.run(own, { ...AS_USER, script: ':' }, signal).catch((error: unknown) => {
      if (!(error instanceof BtyError)) throw error;
      throw refused(`it is in ~/.ssh/authorized_keys, yet ${error.message}`);
    });
  }

  /** Without its other half, which is gone with the sandbox, a key that stays opens nothing: no reason to fail. */
  private async shutOut(system: SshTarget, log: RunLog): Promise<void> {
    try {
      const { exitCode, stderr } = await this.ssh.run(system, { ...AS_USER, script: SHUT_OUT_SCRIPT });
      if (exitCode !== 0) log.say(`the key of this run is still in authorized_keys: ${stderr.trim().slice(-300)}`);
    } catch (error) {
      if (!(error instanceof BtyError)) throw error;
      log.say(`the key of this run is still in authorized_keys: ${error.message}`);
    }
  }
}

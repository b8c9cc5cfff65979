import type { ArchiveFile } from '@bty/archive';
import { checkConfig, checkProblem, cijoeCheckCommand } from '@bty/cijoe';
import { Injectable } from '@nestjs/common';
import { Sandbox } from '../sandbox/index.js';
import { ownConfig, runConfig } from './workflow-config.js';
import { below } from './workflow-files.js';
import { WorkflowStore } from './workflow-store.service.js';
import type { WorkflowVersionEntity } from './workflow-version.entity.js';

const TIME_LIMIT_MS = 60_000;
const MAX_OUTPUT_CHARS = 16_000;
/** What a template may ask of the environment in any mode; the values do not matter here. */
const ENVIRONMENT = { HOME: '/job/home', PATH: '/usr/bin', USER: 'bty', BTY_ROOTFS: '/mnt' };
const FACTS = { mac: '00:00:00:00:00:00', run_id: 'check', hostname: 'check', image: 'check', image_sha256: 'check' };
const TRANSPORT = { hostname: '127.0.0.1', port: 22, username: 'root', key_filename: '/job/key' };

/** Has cijoe judge workflows. */
@Injectable()
export class WorkflowCheck {
  constructor(
    private readonly store: WorkflowStore,
    private readonly sandbox: Sandbox,
  ) {}

  /** What cijoe's integrity check has against a version. Throws when there could be no check. */
  async problemOf(version: WorkflowVersionEntity): Promise<string | undefined> {
    const files = await this.store.files(version.digest);
    let settings: string;
    try {
      settings = checkConfig(runConfig(ownConfig(files), FACTS, TRANSPORT), ENVIRONMENT);
    } catch (error) {
      return `cijoe-config.toml: ${(error as Error).message}`;
    }
    const config: ArchiveFile = { path: 'check.toml', content: Buffer.from(settings), executable: false };
    let output = '';
    const order = {
      files: [...below('workflow', files), config],
      cwd: 'workflow',
      argv: cijoeCheckCommand(version.mainFile, '/job/check.toml'),
      timeLimitMs: TIME_LIMIT_MS,
      onOutput: (part: Buffer) => {
        output = `${output}${part.toString()}`.slice(-MAX_OUTPUT_CHARS);
      },
    };
    const outcome = await this.sandbox.run(order, new AbortController().signal);
    if (outcome.stopped !== undefined) return `the check was stopped: ${outcome.stopped}`;
    return outcome.exitCode === 0 ? undefined : checkProblem(output);
  }
}

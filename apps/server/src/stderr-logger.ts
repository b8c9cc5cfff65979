import { ConsoleLogger, type LogLevel } from '@nestjs/common';

// What Nest says about itself while it starts: hundreds of lines that hide the two that matter.
const CHATTER = new Set(['InstanceLoader', 'RoutesResolver', 'RouterExplorer', 'NestFactory', 'NestApplication']);

/** Nest's logger, with every line on stderr: stdout is for data. */
export class StderrLogger extends ConsoleLogger {
  protected override printMessages(messages: unknown[], context?: string, logLevel?: LogLevel): void {
    if (logLevel === 'log' && context !== undefined && CHATTER.has(context)) return;
    super.printMessages(messages, context, logLevel, 'stderr');
  }
}

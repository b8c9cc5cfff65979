import { Command, Option } from 'commander';
import type { ProgramPorts } from './command-ports.js';
import { jsonOption } from './options.js';
import type { JobsFlags, LoginFlags, MachinesFlags, PushFlags, ReflashFlags } from './remote-command.js';

const serverOption = (): Option =>
  new Option('--server <url>', 'the server (BTY_SERVER), default: the one of bty login');
const tagOption = (): Option =>
  new Option('--tag <name>', 'only machines with this tag; may be given again').argParser(
    (value: string, before: string[] | undefined) => [...(before ?? []), value],
  );

const LOGIN_HELP = `
People log in with a password, asked for or on standard input; a program is given an API token:
  bty login --server https://bty.lab.example --user anna
  BTY_SERVER=https://bty.lab.example BTY_API_TOKEN=... bty reflash box-7 --image debian.img --wait`;

/** `bty login` and `bty logout` */
function loginCommands(ports: ProgramPorts): Command[] {
  const login = new Command('login')
    .description('log in at a server; later calls are made under that name')
    .addOption(serverOption())
    .requiredOption('--user <name>', 'the name of the user')
    .addHelpText('after', LOGIN_HELP)
    .action(async (flags: LoginFlags) => (await import('./remote-command.js')).loginCommand(flags, ports));
  const logout = new Command('logout')
    .description('log out, and forget the login')
    .action(async () => (await import('./remote-command.js')).logoutCommand(ports));
  return [login, logout];
}

/** `bty reflash` */
function reflashCommandOf(ports: ProgramPorts): Command {
  return new Command('reflash')
    .description('have a server flash a machine, or all machines with a tag; with --wait, 0 means flashed and verified')
    .argument('<machines>', 'a MAC address, a hostname, or tag=NAME[,tag=NAME...] for all that have these tags')
    .option('--image <name>', "an image of the server's; default: the one of each machine's record")
    .addOption(new Option('--verify <mode>', 'what is read back').choices(['full', 'written']).default('full'))
    .option('--wait', 'return when every machine is flashed and verified, or one is not')
    .addOption(serverOption())
    .addOption(jsonOption())
    .action(async (machines: string, flags: ReflashFlags) =>
      (await import('./remote-command.js')).reflashCommand(machines, flags, ports),
    );
}

/** What a pipeline or an admin asks a server for. */
export function remoteCommandsOf(ports: ProgramPorts): Command[] {
  const machines = new Command('machines')
    .description('the machines of a server')
    .addOption(tagOption())
    .addOption(serverOption())
    .addOption(jsonOption())
    .action(async (flags: MachinesFlags) => (await import('./remote-command.js')).machinesCommand(flags, ports));
  const jobs = new Command('jobs')
    .description('the flash jobs of a server, the newest first')
    .option('--mac <address>', 'only those of this machine')
    .option('--limit <count>', 'at most so many', '20')
    .addOption(serverOption())
    .addOption(jsonOption())
    .action(async (flags: JobsFlags) => (await import('./remote-command.js')).jobsCommand(flags, ports));
  const push = new Command('push')
    .description('send an image file to a server')
    .argument('<file>', 'the image: .img, .img.zst or .qcow2')
    .option('--name <name>', 'its name at the server; default: that of the file')
    .option('--replace', 'replace the image of that name')
    .option('--wait', 'return when it can be flashed')
    .addOption(serverOption())
    .addOption(jsonOption())
    .action(async (file: string, flags: PushFlags) =>
      (await import('./remote-command.js')).pushCommand(file, flags, ports),
    );
  const images = new Command('images').description("a server's images").addCommand(push);
  return [...loginCommands(ports), machines, jobs, reflashCommandOf(ports), images];
}

/** Port: how flash jobs reach agents, which stand above them. */
export abstract class AgentDispatcher {
  /** Tells the agent of a machine, if one is connected, that its jobs have changed. */
  abstract notify(mac: string): void;
}

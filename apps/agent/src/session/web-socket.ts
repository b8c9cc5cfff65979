import { AGENT_SUBPROTOCOL, CLOSE_CODES, PROTOCOL_LIMITS } from '@bty/wire-types';
import { WebSocket } from 'ws';
import type { AgentSocket, OpenSocket, SocketEvents } from './socket.js';

const HANDSHAKE_TIMEOUT_MS = 10_000;
// RFC 6455, 5.5: a control frame carries at most 125 bytes, two of them the code.
const MAX_REASON_BYTES = 123;

function connect(url: string, events: SocketEvents): AgentSocket {
  const socket = new WebSocket(url, AGENT_SUBPROTOCOL, {
    perMessageDeflate: false,
    maxPayload: PROTOCOL_LIMITS.maxServerFrameBytes,
    handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
  });
  let problem = '';
  socket.on('open', () => events.onOpen());
  socket.on('ping', () => events.onAlive());
  socket.on('error', (error) => {
    problem = error.message === '' ? ((error as NodeJS.ErrnoException).code ?? 'connection failed') : error.message;
  });
  socket.on('close', (code, reason) => events.onClose(code, reason.length > 0 ? reason.toString() : problem));
  socket.on('message', (data, isBinary) => {
    if (isBinary) socket.close(CLOSE_CODES.BAD_FRAME, 'a binary frame');
    else events.onMessage(data.toString());
  });
  return {
    send: (text) => socket.send(text),
    pendingBytes: () => socket.bufferedAmount,
    close: (code, reason) => socket.close(code, Buffer.from(reason).subarray(0, MAX_REASON_BYTES).toString()),
    terminate: () => socket.terminate(),
  };
}

/** Opens the agent's socket of a server by its URL, `http(s)://host:port`. */
export function webSocketTo(serverUrl: string): OpenSocket {
  const url = `${serverUrl.replace(/^http/, 'ws')}/agent`;
  return (events) => connect(url, events);
}

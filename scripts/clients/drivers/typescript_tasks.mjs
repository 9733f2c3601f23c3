// The Tasks extension in the TypeScript SDK 2.x, by its companion package. The SDK refuses a task as an answer, so the
// package wants its requests sent below the SDK, by its host: that is `dispatch`.
import { createTaskSessionFromClient, resultFromTaskOutcome } from "@modelcontextprotocol/ext-tasks/client";

export const CAPABILITIES = { extensions: { "io.modelcontextprotocol/tasks": {} } };

export function taskSession(client, transport, framing) {
  const waiting = new Map();
  const handed = transport.onmessage;
  transport.onmessage = (message, extra) => {
    const settle = waiting.get(message.id);
    if (!settle) return handed(message, extra);
    waiting.delete(message.id);
    settle(message.error ? { kind: "error", error: message.error } : { kind: "result", result: message.result });
  };
  let count = 0;
  const dispatch = (request, options) =>
    new Promise((resolve, reject) => {
      const id = `task-${(count += 1)}`;
      waiting.set(id, resolve);
      const headers = options?.context?.headers;
      transport.send({ jsonrpc: "2.0", id, ...request }, headers ? { headers } : {}).catch(reject);
    });
  const protocolVersion = client.getNegotiatedProtocolVersion();
  return createTaskSessionFromClient(client, {
    endpointId: "driven",
    rawDispatch: dispatch,
    v2RequestFraming: { protocolVersion, ...framing },
    tools: { currentTool: () => undefined },
  });
}

export async function ended(session, tool, args) {
  const execution = await session.callTool(tool, args);
  const { outcome } = await execution.settle();
  return resultFromTaskOutcome(outcome);
}

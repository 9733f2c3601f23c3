// The TypeScript SDK, 1.x and 2.x: takes orders as orders.py says. It is copied beside the packages that it imports.
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const target = JSON.parse((await lines.next()).value);
const name = process.env.PACKAGE;
const isFirst = name === "@modelcontextprotocol/sdk";
const from = (first, second) => import(name + (isFirst ? `/${first}` : second));

const { Client } = await from("client/index.js", "");
const { StdioClientTransport } = await from("client/stdio.js", "/stdio");
const { StreamableHTTPClientTransport } = await from("client/streamableHttp.js", "");
const { SSEClientTransport } = await from("client/sse.js", "");

// Copied beside this one; what its package needs is there for 2.x alone.
const tasks = target.takes_tasks ? await import("./typescript_tasks.mjs") : undefined;

let answer = { action: "cancel" };
let asked = [];

const modes = { legacy: "legacy", auto: "auto", modern: { pin: "2026-07-28" } };
const clientInfo = { name: "driven", version: "1" };
const capabilities = { ...(target.can_be_asked ? { elicitation: {} } : {}), ...tasks?.CAPABILITIES };
const client = new Client(
  clientInfo,
  {
    capabilities,
    ...(isFirst ? {} : { versionNegotiation: { mode: modes[target.era] } }),
  },
);
if (target.can_be_asked) {
  const asks = async (request) => {
    asked.push(request.params.message);
    const { after = 0, ...said } = answer;
    await sleep(after * 1000);
    return said;
  };
  const method = isFirst ? (await import("@modelcontextprotocol/sdk/types.js")).ElicitRequestSchema : "elicitation/create";
  client.setRequestHandler(method, asks);
}

const transports = {
  stdio: () =>
    new StdioClientTransport({ command: target.command, args: target.arguments, env: target.environment, stderr: "ignore" }),
  http: () => new StreamableHTTPClientTransport(new URL(target.url)),
  sse: () => new SSEClientTransport(new URL(target.url)),
};
const transport = transports[target.transport]();
await client.connect(transport);

const session = tasks?.taskSession(client, transport, { clientInfo, clientCapabilities: capabilities });

const say = (what) => process.stdout.write(JSON.stringify(what) + "\n");
const protocol = client.getNegotiatedProtocolVersion?.() ?? transport.protocolVersion ?? "";
say({ connected: protocol });

for await (const line of lines) {
  const order = JSON.parse(line);
  asked = [];
  answer = order.answer ?? { action: "cancel" };
  try {
    if (order.do === "list") {
      const { tools } = await client.listTools();
      say({ tools: tools.map((tool) => tool.name) });
    } else {
      const result = session
        ? await tasks.ended(session, order.tool, order.arguments)
        : await client.callTool({ name: order.tool, arguments: order.arguments });
      const text = result.content.map((block) => block.text ?? "").join("");
      say({ text, structured: result.structuredContent ?? null, is_error: Boolean(result.isError), asked });
    }
  } catch (raised) {
    say({ raised: `${raised.name}: ${raised.message}`, asked });
  }
}
await client.close();
process.exit(0);

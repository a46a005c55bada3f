// A TCP proxy to the broker that can cut its connections.

import { createServer, connect } from 'node:net';

/** `{url, cut(), restore()}`: while cut, it has closed all connections and refuses new ones. */
export async function proxy(test, url) {
  const target = new URL(url);
  const open = new Set();
  let isCut = false;
  const server = createServer((client) => {
    if (isCut) {
      client.destroy();
      return;
    }
    const broker = connect(Number(target.port || 5672), target.hostname);
    for (const [from, to] of [[client, broker], [broker, client]]) {
      open.add(from);
      from.pipe(to);
      from.on('error', () => to.destroy());
      from.on('close', () => {
        open.delete(from);
        to.destroy();
      });
    }
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const cut = () => {
    isCut = true;
    for (const socket of open) socket.destroy();
  };
  test.after(() => {
    cut();
    server.close();
  });
  const through = new URL(url);
  through.hostname = '127.0.0.1';
  through.port = String(server.address().port);
  return {
    url: through.href,
    cut,
    restore: () => {
      isCut = false;
    },
  };
}

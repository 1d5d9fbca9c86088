/** A connection that is open for as long as a test wants: does it live through what is done meanwhile? */
import { expect } from "vitest";
import { shellQuote } from "../../lib/text";
import { Stream } from "../../drills/stream";
import { eventually, inGuests } from "./support";

/** Half an hour of bytes. The real servers hold the rate: curl's own limit lets megabytes pass at once. */
const SERVE = [
  "mkdir -p /srv/lvs-dr/slow",
  "truncate -s 100M /srv/lvs-dr/slow/file.bin",
  "echo 'location /slow/ { limit_rate 60k; }' >/etc/lvs-dr/nginx.d/slow.conf",
  "systemctl reload nginx",
].join(" && ");

/** Downloads by one connection through the VIP until its stdin ends, and says then how many bytes two seconds brought. */
const DOWNLOAD = (url: string): string => `
  curl -s -o /dev/null ${url} & curl=$!
  got() { sed -n "s/^wchar: //p" /proc/$curl/io 2>/dev/null || true; }
  while kill -0 $curl 2>/dev/null; do n=$(got); ((\${n:-0} < 10000)) || { echo open; break; }; sleep 0.2; done
  read -r _
  n=$(got); sleep 2; m=$(got)
  kill $curl 2>/dev/null || true
  if [ -n "$m" ]; then echo $((m - n)); else wait $curl; echo "cut: curl ended with $?"; fi`;

/** Does `work` while the client downloads something, and fails if that one connection was cut or came to a halt. */
export async function whileDownloading<T>(work: () => Promise<T>): Promise<T> {
  return inGuests(async (shell, { clients: [client], realServers, services: [{ vip, port }] }) => {
    await Promise.all(realServers.map(({ name }) => shell.check(name, SERVE)));
    const said: string[] = [];
    const script = DOWNLOAD(`http://${vip}:${port}/slow/file.bin`);
    const download = new Stream(shell, client.name, `bash -c ${shellQuote(script)}`, (line) =>
      said.push(line),
    );
    try {
      await eventually(30, () => Promise.resolve(expect(said).toEqual(["open"])));
      const result = await work();
      await download.end();
      expect(said[1]).toMatch(/^\d+$/);
      expect(Number(said[1])).toBeGreaterThan(30_000);
      return result;
    } finally {
      download.kill();
    }
  });
}

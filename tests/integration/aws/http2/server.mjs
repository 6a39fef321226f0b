// HTTP/2 before moto, which has HTTP/1.1 only. It speaks nothing else, as little as a client does that takes HTTP/2 for granted.
// Usage: server.mjs ADDRESS CERTIFICATE KEY ROOTS      of moto; listens at port 443
import { readFileSync } from "node:fs";
import { createSecureServer } from "node:http2";
import { request } from "node:https";

const [address, certificate, key, roots] = process.argv.slice(2);
const server = createSecureServer({ cert: readFileSync(certificate), key: readFileSync(key), allowHTTP1: false });
server.on("stream", (stream, headers) => {
  const host = headers[":authority"];
  const ordinary = Object.fromEntries(Object.entries(headers).filter(([name]) => !name.startsWith(":")));
  const options = { host: address, servername: host, method: headers[":method"], path: headers[":path"], headers: { ...ordinary, host }, ca: readFileSync(roots) };
  const onward = request(options, (answer) => {
    const { connection, "transfer-encoding": encoding, "keep-alive": alive, ...rest } = answer.headers;
    stream.respond({ ":status": answer.statusCode, ...rest });
    answer.pipe(stream);
  });
  onward.on("error", () => stream.close());
  stream.on("error", () => onward.destroy());
  stream.pipe(onward);
});
server.listen(443, "0.0.0.0");

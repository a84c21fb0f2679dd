// Runs the module in Node, whose JavaScript engine is that of Envoy's Wasm runtime, on a host that only hands out what is
// asked for, and prints as JSON how large the VM's memory has become: with a policy and nothing else, after requests, and
// after the policy was replaced ten times.
//   node vm.mjs MODULE INPUT.json        INPUT: {"policies": {name: text}, "requests": [{"headers": [[name, value]], "body": base64}]}
import { readFileSync } from "node:fs";

const RELOADS = 10;
const TURNS = 100;
// Statuses of the ABI.
const OK = 0;
const NOT_FOUND = 1;
const [CONFIGURATION, BODY] = [7, 0];

const module = new WebAssembly.Module(readFileSync(process.argv[2]));
const input = JSON.parse(readFileSync(process.argv[3], "utf8"));
const requests = input.requests.map(({ headers, body }) => ({
  count: headers.length,
  map: pairs(headers.map((pair) => pair.map((text) => Buffer.from(text)))),
  body: Buffer.from(body, "base64"),
}));

// A map as the ABI writes it: the count, all lengths, all texts, each with a zero behind.
function pairs(list) {
  const lengths = Buffer.alloc(4 + 8 * list.length);
  lengths.writeUInt32LE(list.length, 0);
  list.flat().forEach((text, index) => lengths.writeUInt32LE(text.length, 4 + 4 * index));
  return Buffer.concat([lengths, ...list.flat().flatMap((text) => [text, Buffer.alloc(1)])]);
}

class Vm {
  constructor(policy) {
    this.policy = Buffer.from(policy);
    this.next = 1;
    const imports = {};
    for (const { module: space, name } of WebAssembly.Module.imports(module)) {
      imports[space] ??= {};
      imports[space][name] = this[name] ? this[name].bind(this) : () => (name.startsWith("proxy_get") ? NOT_FOUND : OK);
    }
    this.exports = new WebAssembly.Instance(module, imports).exports;
    this.exports._initialize();
    this.root = this.configure();
  }

  // A root context with the policy; what was there before goes when it is there.
  configure() {
    const root = this.next++;
    this.exports.proxy_on_context_create(root, 0);
    this.exports.proxy_on_vm_start?.(root, 0);
    const start = performance.now();
    const taken = this.exports.proxy_on_configure(root, this.policy.length);
    this.took = performance.now() - start;
    if (!taken) throw new Error("the policy was refused");
    return root;
  }

  drop(context) {
    this.exports.proxy_on_done?.(context);
    this.exports.proxy_on_delete(context);
  }

  serve({ count, map, body }) {
    const { exports } = this;
    const stream = this.next++;
    [this.map, this.body] = [map, body];
    exports.proxy_on_context_create(stream, this.root);
    exports.proxy_on_request_headers(stream, count, body.length === 0 ? 1 : 0);
    if (body.length > 0) exports.proxy_on_request_body(stream, body.length, 1);
    exports.proxy_on_log?.(stream);
    this.drop(stream);
  }

  load() {
    for (let turn = 0; turn < TURNS; turn++) requests.forEach((request) => this.serve(request));
  }

  get size() {
    return this.exports.memory.buffer.byteLength;
  }

  // Hands bytes over in memory that the module has given for it.
  give(bytes, data, size) {
    const { exports } = this;
    const at = (exports.proxy_on_memory_allocate ?? exports.malloc)(bytes.length);
    Buffer.from(exports.memory.buffer).set(bytes, at);
    const view = new DataView(exports.memory.buffer);
    view.setUint32(data, at, true);
    view.setUint32(size, bytes.length, true);
    return OK;
  }

  proxy_get_header_map_pairs(map, data, size) {
    return map === 0 ? this.give(this.map, data, size) : NOT_FOUND;
  }

  proxy_get_buffer_bytes(buffer, start, most, data, size) {
    const bytes = { [CONFIGURATION]: this.policy, [BODY]: this.body }[buffer];
    if (!bytes) return NOT_FOUND;
    const end = Math.min(bytes.length, (start >>> 0) + (most >>> 0));
    return this.give(bytes.subarray(start >>> 0, end), data, size);
  }

  proxy_get_property(path, pathSize, data, size) {
    const name = Buffer.from(this.exports.memory.buffer, path, pathSize).toString("latin1");
    if (name === "source\0address") return this.give(Buffer.from("203.0.113.7:4711"), data, size);
    if (name === "request\0total_size") return this.give(Buffer.alloc(8, 1), data, size);
    return NOT_FOUND;
  }

  proxy_get_current_time_nanoseconds(time) {
    new DataView(this.exports.memory.buffer).setBigUint64(time, process.hrtime.bigint(), true);
    return OK;
  }

  proxy_log(level, message, size) {
    if (level >= 4) console.error(Buffer.from(this.exports.memory.buffer, message, size).toString());
    return OK;
  }

  random_get(data, size) {
    crypto.getRandomValues(new Uint8Array(this.exports.memory.buffer, data, size));
    return OK;
  }

  environ_sizes_get(count, size) {
    const view = new DataView(this.exports.memory.buffer);
    view.setUint32(count, 0, true);
    view.setUint32(size, 0, true);
    return OK;
  }
}

const told = {};
for (const [name, policy] of Object.entries(input.policies)) {
  const vm = new Vm(policy);
  const idle = vm.size;
  vm.load();
  const loaded = vm.size;
  for (let reload = 0; reload < RELOADS; reload++) {
    const old = vm.root;
    vm.root = vm.configure();
    requests.forEach((request) => vm.serve(request));
    vm.drop(old);
  }
  vm.load();
  told[name] = { idle, loaded, reloaded: vm.size };
}
console.log(JSON.stringify(told));

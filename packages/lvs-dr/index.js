"use strict";
// Compiled in the npm package; in a checkout the sources run as they are.
const { existsSync } = require("node:fs");
const { join } = require("node:path");

if (existsSync(join(__dirname, "dist", "index.js"))) module.exports = require("./dist/index.js");
else {
  require("tsx/cjs");
  module.exports = require("./index.ts");
}

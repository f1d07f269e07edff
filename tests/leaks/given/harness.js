'use strict';
// The programs of this folder ask for `./harness`; they get the corpus' own.
module.exports = require('../harness');

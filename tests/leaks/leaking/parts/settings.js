'use strict';
// Loaded afresh for every tenant by module-reload.js.
class Settings {
  constructor() {
    this.loadedAt = Date.now();
    this.flags = Array.from({ length: 60 }, (_, i) => ({ name: `flag-${i}`, on: i % 2 === 0 }));
  }
}

module.exports = { settings: new Settings() };

"use strict";
// The tables say the same; colours come with dashes, for who sees none.
const inks = [["#1f6feb", []], ["#b3261e", [8, 4]], ["#2e7d4f", [2, 4]], ["#7b1fa2", [8, 4, 2, 4]]];
for (const box of document.querySelectorAll("[data-chart]")) {
  const { data, names } = JSON.parse(box.dataset.chart);
  if (!data[0].length) continue;
  const series = names.map((label, n) => n
    ? { label, stroke: inks[n - 1][0], dash: inks[n - 1][1], points: { show: true } } : { label, value: "{YYYY}-{MM}" });
  const ink = { stroke: getComputedStyle(box).color };
  const x = { range: (_, from, to) => (from < to ? [from, to] : [from - 1.3e6, to + 1.3e6]) };
  new uPlot({ scales: { x }, width: box.clientWidth || 320, height: 240, series, axes: [ink, ink] }, data, box);
}

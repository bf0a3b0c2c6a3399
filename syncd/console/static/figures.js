"use strict";
// The tables say the same; colours come with dashes, for who sees none.
const inks = [["#1f6feb", []], ["#b3261e", [8, 4]], ["#2e7d4f", [2, 4]], ["#7b1fa2", [8, 4, 2, 4]]];
for (const box of document.querySelectorAll("[data-chart]")) {
  const { data: [months, ...counts], names: [month, ...names] } = JSON.parse(box.dataset.chart);
  const month_ = (_, at) => at.map(s => new Date(s * 1e3).toISOString().slice(0, 7));
  const ink = { stroke: getComputedStyle(box).color };
  const x = { range: (_, from, to) => (from < to ? [from, to] : [from - 1.3e6, to + 1.3e6]) };
  const size = () => ({ width: box.clientWidth, height: 240 });
  const series = names.map((label, n) => ({ label, stroke: inks[n][0], dash: inks[n][1] }));
  const plot = new uPlot({
    scales: { x }, ...size(), axes: [{ ...ink, values: month_ }, ink], series: [{ label: month, value: "{YYYY}-{MM}" }, ...series],
    tzDate: at => uPlot.tzDate(new Date(at * 1e3), "Etc/UTC"),
  }, [months.map(m => Date.parse(m) / 1e3), ...counts], box);
  new ResizeObserver(() => plot.setSize(size())).observe(box);
}

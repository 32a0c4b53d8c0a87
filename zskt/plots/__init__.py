"""Plots of any domain: panels with the numbers behind them, colours, intervals, and files to keep."""

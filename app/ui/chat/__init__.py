"""The chat page: transcript, composer, model picker, and the conversation behind them."""
